"""The cookie is root on every node: it stands in its Secret and nowhere else, before and after nodes got another."""

from __future__ import annotations

import base64
import json

import pytest
import yaml
from click.testing import CliRunner

from elixircluster.cli import main
from tests.cluster import UnsupportedError

KINDS = (
    *("all", "configmaps", "events", "elixirclusters", "serviceaccounts", "poddisruptionbudgets", "networkpolicies"),
    *("controllerrevisions", "endpointslices", "leases", "roles", "rolebindings"),
)


# Processes whose arguments hold the cookie, but for the runtime: the script of `mix release` gives it on.
COMMAND_LINES = """
for file in /proc/[0-9]*/cmdline; do
  name=$(cat "${file%cmdline}comm" 2>/dev/null)
  if [ "$name" != beam.smp ] && tr '\\0' '\\n' < "$file" 2>/dev/null | grep -qF "$RELEASE_COOKIE"; then echo "$name"; fi
done
"""


@pytest.fixture(scope="module")
def in_use(examples):
    """The cookie of each resource, as its Secret shows it."""
    found = {}
    for variant, example in examples.items():
        reference = example.resource["spec"].get("distribution", {}).get("cookie", {}).get("secretKeyRef")
        name, key = (reference["name"], reference["key"]) if reference else (f"{example.name}-cookie", "cookie")
        found[variant] = example.namespace.get("secret", name)["data"][key]
    return found


@pytest.fixture(scope="module")
def cookies(in_use, earlier_cookies):
    """Every cookie that is or was in use, as it is and as a Secret shows it."""
    encoded = {base64.b64encode(cookie.encode()).decode() for cookie in earlier_cookies} | set(in_use.values())
    return encoded | {base64.b64decode(cookie).decode() for cookie in encoded}


@pytest.fixture(scope="module")
def private_keys(kubernetes):
    """Every private key of a certificate, by a line from its middle; and as a Secret shows it."""
    secrets = json.loads(kubernetes.kubectl("get", "secrets", "-A", "-o", "json"))["items"]
    keys = [item["data"]["tls.key"] for item in secrets if (item.get("data") or {}).get("tls.key")]
    return set(keys) | {base64.b64decode(key).decode().splitlines()[1] for key in keys}


def test_every_resource_has_a_cookie_of_its_own(in_use):
    generated = [cookie for variant, cookie in in_use.items() if not variant.startswith("chat-cookie")]
    assert len(generated) > 1
    assert len(set(generated)) == len(generated)


def holds_none_of(text, cookies):
    assert text
    return not any(cookie in text for cookie in cookies)


def test_no_other_object_shows_a_cookie_or_a_key(kubernetes, cookies, private_keys):
    """Pods with their arguments, Events, statuses, ConfigMaps, revisions."""
    assert holds_none_of(kubernetes.kubectl("get", ",".join(KINDS), "-A", "-o", "json"), cookies | private_keys)


def test_a_rendered_resource_shows_none(examples, cookies):
    for example in examples.values():
        done = CliRunner().invoke(main, ["render", "-f", "-"], input=yaml.safe_dump(example.resource))
        assert done.exit_code == 0, done.output
        assert holds_none_of(done.output, cookies)


def test_no_command_line_in_a_pod_shows_the_cookie_but_the_runtimes_own(examples):
    for example in examples.values():
        pod = example.namespace.pods(example.name)[0]["metadata"]["name"]
        assert example.namespace.kubectl("exec", pod, "-c", "app", "--", "sh", "-c", COMMAND_LINES) == ""


def test_the_operator_tells_a_cookie_or_a_key_neither_in_its_logs_nor_in_its_metrics(operator, cookies, private_keys):
    pods = [pod["metadata"]["name"] for pod in operator.pods()]
    # Who only stands by has nothing to say.
    assert holds_none_of(
        "".join(operator.namespace.kubectl("logs", pod, "--tail=-1") for pod in pods), cookies | private_keys
    )
    assert all(holds_none_of(operator.metrics(pod), cookies | private_keys) for pod in pods)


def test_no_node_logs_a_cookie(examples, cookies):
    for example in examples.values():
        selector = f"elixircluster.dev/cluster={example.name}"
        logs = ("logs", "-l", selector, "--all-containers", "--tail=-1", "--max-log-requests=20")
        assert holds_none_of(example.namespace.kubectl(*logs), cookies)


def test_no_request_of_anybody_holds_a_cookie_in_its_path(kubernetes, audit_start, cookies):
    """The audit log has no bodies. A command that is executed in a pod is in the path, though."""
    try:
        said = list(kubernetes.audit(audit_start))
    except UnsupportedError as error:
        pytest.skip(str(error))
    assert holds_none_of("\n".join(map(json.dumps, said)), cookies)
