"""The distribution port is closed to whom it is not for, and the web port open to everybody."""

from __future__ import annotations

import yaml

from tests.e2e.user import Namespace, together

from .cells import elixircluster
from .conftest import remove
from .lab import Nodes

DISTRIBUTION, EPMD, WEB = 6789, 4369, 4000
LABEL = {"may": "connect"}


def probe(namespace: Namespace, name: str, **labels: str) -> None:
    """A pod that can connect to ports, and do nothing else."""
    restricted = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsUser": 65534}
    container = {
        "name": "app",
        "image": "localhost/busybox:test",
        "imagePullPolicy": "Never",
        "command": ["sleep", "3600"],
        "securityContext": restricted | {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": labels},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }
    namespace.kubectl("apply", "-f", "-", input=yaml.safe_dump(body))


def open_ports(source: Nodes | Namespace, pod: str, address: str) -> set[int]:
    """Which ports of an address a pod can connect to."""
    if isinstance(source, Namespace):
        test = f"nc -w 2 {address} $port </dev/null"
        namespace = source
    else:
        test = f"timeout 2 bash -c '</dev/tcp/{address}/'$port"
        namespace = source.namespace
    ask = f"for port in {DISTRIBUTION} {EPMD} {WEB}; do ({test} >/dev/null 2>&1 && echo $port) & done"
    script = f"{ask}; wait"
    said = namespace.kubectl("exec", pod, "-c", "app", "--", "sh", "-c", script)
    return {int(port) for port in said.split()}


def test_only_members_and_whom_the_user_names_reach_the_distribution(kubernetes, namespaces):
    here, there = namespaces(kubernetes, "policy-here"), namespaces(kubernetes, "policy-there")
    allowed = {"podSelector": {"matchLabels": LABEL}}
    guarded, other = Nodes(here, "guarded"), Nodes(here, "other")
    here.apply(
        elixircluster(
            "guarded",
            "chat",
            replicas=2,
            distribution={"epmd": "Enabled"},
            networkPolicy={"distributionFrom": [allowed]},
        ),
        elixircluster("other", "chat", replicas=1, distribution={"epmd": "Enabled"}),
    )
    probe(here, "labelled", **LABEL)
    probe(here, "unlabelled")
    # A label counts in the namespace of the policy only.
    probe(there, "labelled-elsewhere", **LABEL)
    for namespace, names in ((here, ["pod/labelled", "pod/unlabelled"]), (there, ["pod/labelled-elsewhere"])):
        namespace.kubectl("wait", "--for=condition=Ready", "--timeout=120s", *names)
    together(*(lambda nodes=nodes: nodes.namespace.wait_until_ready(nodes.name, 300) for nodes in (guarded, other)))
    assert guarded.connected(2)

    def table() -> dict[str, set[int]]:
        addresses = [pod["status"]["podIP"] for pod in here.pods("guarded")]
        sources = {
            "member": (guarded, "guarded-0", addresses[1:]),
            "another resource": (other, "other-0", addresses),
            "labelled": (here, "labelled", addresses),
            "unlabelled": (here, "unlabelled", addresses),
            "another namespace": (there, "labelled-elsewhere", addresses),
        }
        questions = [(name, *source, address) for name, (*source, targets) in sources.items() for address in targets]
        answers = together(*(lambda question=question: open_ports(*question[1:]) for question in questions))
        found: dict[str, set[int]] = {}
        for (name, *_, address), ports in zip(questions, answers, strict=True):
            # What is open of one address is open of each.
            assert found.setdefault(name, ports) == ports, (name, address)
        return found

    everything = {DISTRIBUTION, EPMD, WEB}
    wanted = {
        "member": everything,
        "another resource": {WEB},
        "labelled": everything,
        "unlabelled": {WEB},
        "another namespace": {WEB},
    }
    assert table() == wanted
    here.patch("guarded", replicas=3)
    assert guarded.connected(3)
    assert table() == wanted
    here.patch("guarded", replicas=2)
    assert guarded.connected(2)
    assert table() == wanted
    remove(here)
    remove(there)
