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
test: .venv/ready ## Everything that must pass
	@$(MAKE) -s -j 2 prepare lint unit
	@$(MAKE) -s verify
	@$(BIN)/python -m tests.suites run

.PHONY: prepare
prepare: .venv/ready ## Programs and images of the suites, built where they are not
	@$(BIN)/python -m tests.suites prepare

.PHONY: check
check: .venv/ready lint unit verify ## What needs no Kubernetes: a minute

.PHONY: unit
unit: .venv/ready ## Tests that need no cluster, the fake API server's among them
	@$(BIN)/python -m pytest -q -n auto tests/unit tests/golden

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

.PHONY: campaign-kubernetes
campaign-kubernetes: .venv/ready ## Integration and the core of e2e on each minor of Kubernetes that is supported (hours)
	@$(BIN)/python -m tests.versions run

.PHONY: campaign-matrix
campaign-matrix: .venv/ready ## Every strategy, runtime, encryption, epmd, address family and OTP, with real nodes (hours)
	@ELIXIRCLUSTER_CAMPAIGN=1 $(BIN)/python -m pytest tests/matrix -s --timeout 7200

.PHONY: campaign-runtimes
campaign-runtimes: .venv/ready ## All that speaks to a node, and the whole e2e suite, with the OTP of each Debian (an hour)
	@ELIXIRCLUSTER_CAMPAIGN=1 $(BIN)/python -m pytest tests/integration/mesh --timeout 7200
	@for debian in bookworm trixie unstable; do ELIXIRCLUSTER_DEBIAN=$$debian $(BIN)/python -m pytest tests/e2e || exit; done

.PHONY: campaign-machines
campaign-machines: .venv/ready ## Every loss of a machine, measured, into docs/machines.md (twenty minutes)
	@ELIXIRCLUSTER_CAMPAIGN=1 $(BIN)/python -m pytest tests/machines -s

.PHONY: campaign-doctor
campaign-doctor: .venv/ready ## Every cause that the doctor must name, one after another, and how long it takes
	@ELIXIRCLUSTER_CAMPAIGN=1 $(BIN)/python -m pytest tests/e2e/test_doctor.py -s --timeout 1800

.PHONY: campaign-fuzz
campaign-fuzz: .venv/ready ## Ten minutes of hostile nodes for the distribution client
	@$(BIN)/python -m tests.fuzz_mesh --minutes 10

.PHONY: campaign-loop
campaign-loop: .venv/ready ## Twenty thousand random histories of users, faults and restarts for the loop, on a fake API server
	@ELIXIRCLUSTER_CAMPAIGN=1 PYTHONHASHSEED=0 $(BIN)/python -m pytest -s tests/unit/loop/test_histories.py

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
