"""`kubectl elixir doctor` with real nodes that something keeps apart: it names that, and nothing else."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from tests.cluster import UnsupportedError, binary

from .causes import CAUSES, COOKIE, HEALTHY, Cause
from .user import ROOT, Namespace, Object, comes_true

CAMPAIGN = bool(os.environ.get("ELIXIRCLUSTER_CAMPAIGN"))
AT_ONCE = 1 if CAMPAIGN else 2
"""One at a time where seconds are measured."""
GOAL_SECONDS = 10.0
LONGEST_SECONDS = 60.0
"""The goal is for a machine with nothing else to do."""
OTHERS = ("pond", "tide", "reef")
MADE = (HEALTHY, *(cause for cause in CAUSES if CAMPAIGN or cause.sampled))

pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True)
class Told:
    """What the doctor said of a resource."""

    name: str
    status: int
    text: str
    errors: str
    seconds: float
    secrets: frozenset[str] = field(repr=False)

    @property
    def body(self) -> Object:
        assert self.text.startswith("{"), self.errors
        found: Object = json.loads(self.text)
        return found


def doctor(namespace: Namespace, name: str, *options: str, kubeconfig: object = None) -> Told:
    """Run it as a user does."""
    command = [sys.executable, "-m", "elixircluster", "plugin", "doctor", name, "--namespace", namespace.name, *options]
    environment = {
        **os.environ,
        "KUBECONFIG": str(kubeconfig or namespace.kubernetes.kubeconfig),
        "PATH": f"{binary('kubectl').parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "operator"),
    }
    began = time.monotonic()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - began
    return Told(name, done.returncode, done.stdout, done.stderr, seconds, secrets_of(namespace))


def secrets_of(namespace: Namespace) -> frozenset[str]:
    """Every cookie and private key of the namespace, as it stands and line by line."""
    values = {COOKIE, COOKIE.lower()}
    for secret in namespace.items("secrets"):
        for key in ("cookie", "tls.key"):
            text = base64.b64decode((secret.get("data") or {}).get(key, "")).decode()
            values |= {line for line in text.splitlines() if len(line) > 8 and not line.startswith("-----")}
    return frozenset(values)


def settled(namespace: Namespace, cause: Cause) -> bool:
    """Whether every container has run for a while, or has ended once."""
    statuses = [
        status
        for pod in namespace.pods(cause.name)
        for status in pod["status"].get("containerStatuses") or []
        if "running" in status["state"] or status["restartCount"]
    ]
    return len(statuses) == 2 and all(status.get("started") or status["restartCount"] for status in statuses)


def story(namespace: Namespace, cause: Cause) -> Told:
    """Make the cause, ask the doctor, and take it away for the sake of the machine."""
    namespace.apply(*cause.objects(namespace.name))
    assert comes_true(lambda: settled(namespace, cause), 180, pause=1.0)
    cause.then(namespace, cause.name)
    if not cause.named:
        assert comes_true(lambda: namespace.condition(cause.name, "Clustered").get("reason") == "FullMesh", 120)
    told = doctor(namespace, cause.name, "-o", "json")
    if cause is not HEALTHY:
        namespace.kubectl("delete", "elixircluster", cause.name, "--wait=false")
        namespace.kubectl("delete", "pods", "-l", f"elixircluster.dev/cluster={cause.name}", "--wait=false", "--now")
    return told


@pytest.fixture(scope="module")
def namespace(operator: object, namespaces: Any) -> Namespace:
    made: Namespace = namespaces("doctor")
    return made


@pytest.fixture(scope="module")
def stories(namespace: Namespace) -> Iterator[dict[str, Future[Told]]]:
    """A few at a time, each two virtual machines that start."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {cause.name: pool.submit(story, namespace, cause) for cause in MADE}
        pool.shutdown(cancel_futures=True)
    with suppress(UnsupportedError):
        # Addresses are given to other pods again.
        namespace.kubernetes.fault.heal()


@pytest.mark.parametrize("name", [cause.name for cause in MADE])
def test_the_true_cause_is_named_and_no_other(stories, name):
    cause = next(cause for cause in MADE if cause.name == name)
    try:
        told = stories[name].result()
    except UnsupportedError as unsupported:
        pytest.skip(str(unsupported))
    verdict = told.body["verdict"]
    print(f"\n{name:<14} → {cause.named or 'nothing':<10} {told.seconds:5.1f} s   {verdict}")
    assert told.body["causes"] == ([cause.named] if cause.named else []), told.text
    assert cause.words in told.text
    assert told.status == bool(cause.named)
    assert told.seconds < LONGEST_SECONDS, f"the goal is {GOAL_SECONDS:g} s"


def test_the_cookie_and_the_keys_are_in_nothing_that_it_says(stories, namespace):
    outputs = [told.result() for told in stories.values() if not told.exception()]
    outputs.append(doctor(namespace, HEALTHY.name))
    assert len(outputs) > len(MADE) / 2
    secrets = frozenset[str]().union(*(told.secrets for told in outputs))
    assert len(secrets) > 5
    for told in outputs:
        assert not [secret for secret in secrets if secret in told.text + told.errors], told.name


def test_it_leaves_nothing_behind(stories, namespace):
    for told in stories.values():
        told.exception()
    assert comes_true(lambda: not namespace.items("pods", "-l", "elixircluster.dev/doctor"), 60)


def test_a_person_is_told_in_a_line_a_check(stories, namespace):
    stories[HEALTHY.name].result()
    told = doctor(namespace, HEALTHY.name)
    assert told.status == 0, told.text
    assert told.text.startswith(f"{HEALTHY.name}: nothing is wrong")
    assert "✓ Cookie" in told.text


@pytest.mark.parametrize("name", OTHERS)
def test_other_runtimes_are_looked_into_as_well(namespace, name):
    namespace.apply(*yaml.safe_load_all((ROOT / "examples" / f"{name}.yaml").read_text()))
    assert comes_true(lambda: namespace.condition(name, "Clustered").get("reason") == "FullMesh", 180)
    namespace.wait_until_ready(name)
    told = doctor(namespace, name, "-o", "json")
    assert told.status == 0, told.text
    states = {check["check"]: check["state"] for check in told.body["checks"]}
    assert {check for check, state in states.items() if state != "passed"} <= {"tls", "stranger", "dns", "release"}
    namespace.kubectl("delete", "elixircluster", name, "--wait=false")


def test_who_may_only_look_is_told_what_cannot_be_examined(stories, namespace, tmp_path):
    stories[HEALTHY.name].result()
    kubeconfig = viewer(namespace, tmp_path)
    told = doctor(namespace, HEALTHY.name, "-o", "json", kubeconfig=kubeconfig)
    assert told.status == 2, told.text
    assert "forbidden" in json.dumps(told.body["notLookedInto"])
    states = {check["check"]: check for check in told.body["checks"]}
    assert states["pods"]["state"] == "passed"
    assert "forbidden" in states["stranger"]["said"]


def viewer(namespace: Namespace, folder: Any) -> Any:
    """A kubeconfig of an account that may look at the namespace, and no more."""
    namespace.kubectl("create", "serviceaccount", "viewer")
    bind = ("create", "rolebinding", "viewer", "--clusterrole=view", f"--serviceaccount={namespace.name}:viewer")
    namespace.kubectl(*bind)
    token = namespace.kubectl("create", "token", "viewer").strip()
    config = yaml.safe_load(namespace.kubernetes.kubeconfig.read_text())
    for user in config["users"]:
        user["user"] = {"token": token}
    path = folder / "viewer.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path


def test_a_name_that_is_not_there_is_told_with_those_that_are(stories, namespace):
    stories[HEALTHY.name].result()
    told = doctor(namespace, "chatt")
    assert told.status == 2
    assert "no ElixirCluster is called chatt here" in told.errors
    assert HEALTHY.name in told.errors
