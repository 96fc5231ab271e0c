# Everything a developer does, by name. `make help` lists it.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export PYTHONPATH := $(CURDIR):$(CURDIR)/operator
NAME ?= test

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  \033[1m%-18s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: .venv/ready ## A cluster, the operator in it, three nodes that see each other
	@$(BIN)/python -m examples.demo

.PHONY: test
test: .venv/ready lint verify ## Everything that must pass
	@$(BIN)/python -m pytest tests/unit tests/golden
	@$(BIN)/python -m tests.cluster up --name $(NAME) >/dev/null
	@$(BIN)/python -m pytest --durations 20 tests/integration tests/e2e tests/matrix tests/faults

.PHONY: unit
unit: .venv/ready ## Tests that need no cluster
	@$(BIN)/python -m pytest -q tests/unit tests/golden

.PHONY: integration
integration: .venv/ready ## Tests of the operator against a real API server
	@$(BIN)/python -m pytest tests/integration

.PHONY: e2e
e2e: .venv/ready ## Tests of the operator installed by its chart, with real BEAM nodes
	@$(BIN)/python -m pytest tests/e2e

.PHONY: faults
faults: .venv/ready ## A seeded sample of the fault campaign
	@$(BIN)/python -m pytest tests/faults

.PHONY: campaign-faults
campaign-faults: .venv/ready ## The whole fault campaign (hours)
	@ELIXIRCLUSTER_CAMPAIGN=1 $(BIN)/python -m pytest tests/faults --timeout 7200

.PHONY: campaign-matrix
campaign-matrix: .venv/ready ## Every strategy, runtime, encryption, epmd and address family, with real nodes (an hour)
	@ELIXIRCLUSTER_CAMPAIGN=1 $(BIN)/python -m pytest tests/matrix -s --timeout 7200

.PHONY: campaign-doctor
campaign-doctor: .venv/ready ## Every cause that the doctor must name, one after another, and how long it takes
	@ELIXIRCLUSTER_CAMPAIGN=1 $(BIN)/python -m pytest tests/e2e/test_doctor.py -s --timeout 1800

.PHONY: campaign-fuzz
campaign-fuzz: .venv/ready ## Ten minutes of hostile nodes for the distribution client
	@$(BIN)/python -m tests.fuzz_mesh --minutes 10

.PHONY: lint
lint: .venv/ready ## Format, style and types
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy

.PHONY: format
format: .venv/ready ## Format, and fix what can be fixed
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

.PHONY: generate
generate: .venv/ready ## CRD, reference page, manifests and golden files from their sources
	@$(BIN)/python -m scripts.generate && $(BIN)/python -m tests.golden
	@HELM=$$($(BIN)/python -m tests.cluster binary helm) $(BIN)/python deploy/generate.py

.PHONY: verify
verify: .venv/ready ## Fails where something generated is stale
	@$(BIN)/python -m scripts.generate --check
	@HELM=$$($(BIN)/python -m tests.cluster binary helm) $(BIN)/python deploy/generate.py --check

.PHONY: bench
bench: .venv/ready ## Every benchmark; results in benchmarks/RESULTS.md
	@$(BIN)/python -m benchmarks all

.PHONY: cluster-up
cluster-up: .venv/ready ## A Kubernetes to try things in (NAME=test); prints its kubeconfig
	@$(BIN)/python -m tests.cluster up --name $(NAME)

.PHONY: cluster-down
cluster-down: .venv/ready ## Remove it, and everything of it
	@$(BIN)/python -m tests.cluster down --name $(NAME)

.PHONY: lock
lock: .venv/ready ## Pin the newest versions that pyproject.toml allows
	@$(BIN)/python -m uv pip compile -q pyproject.toml --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade -o requirements.lock
	@$(BIN)/python -m uv pip compile -q pyproject.toml --group dev --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade -o requirements-dev.lock

# A fresh Debian has Python without venv.
.venv/ready: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed") if sys.version_info < (3, 11) else None'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "installing python3-venv"; apt-get update -qq && apt-get install -y -qq python3-venv; }
	@echo "virtual environment: $$(grep -c -- '==' requirements-dev.lock) packages"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
