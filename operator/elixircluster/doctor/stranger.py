"""A stranger: a pod that is no member, for as long as it takes to knock at the members' distribution ports."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from elixircluster.plugin.kubectl import Kubectl, KubectlError
from elixircluster.plugin.plain import plain, plain_line
from elixircluster.plugin.resources import CONTAINER

START_SECONDS = 5.0
LABEL = "elixircluster.dev/doctor"

Body = dict[str, Any]


class AbsentError(Exception):
    """There was no stranger; the message says why."""


class Knocks(NamedTuple):
    """How each address answers a stranger: `open`, or why not; and the stranger's own, empty where it is not told."""

    answers: Mapping[str, str]
    source: str


def knock(kubectl: Kubectl, member: Body, addresses: Sequence[str], port: int) -> Knocks:
    """What a stranger finds. Raises `AbsentError`."""
    body = stranger(member, addresses, port)
    name = body["metadata"]["name"]
    try:
        kubectl.text("create", "-f", "-", given=json.dumps(body), seconds=START_SECONDS)
    except KubectlError as error:
        raise AbsentError(f"no pod can be made to knock from: {error.message}") from None
    try:
        source, _, said = kubectl.text(*_last_words(name), seconds=START_SECONDS + 1).partition("\n")
        return Knocks(parse(said), plain_line(source))
    except KubectlError:
        raise AbsentError(f"the pod that was to knock did not start within {START_SECONDS:g} s") from None
    finally:
        _remove(kubectl, name)


def _last_words(name: str) -> Sequence[str]:
    # Its address in a line of its own, by which a policy may let it in.
    words = 'jsonpath={.status.podIP}{"\\n"}{.status.containerStatuses[0].state.terminated.message}'
    until = "--for=jsonpath={.status.phase}=Succeeded"
    return ("wait", f"pod/{name}", until, f"--timeout={START_SECONDS:g}s", "-o", words)


def _remove(kubectl: Kubectl, name: str) -> None:
    try:
        kubectl.text("delete", "pod", name, "--wait=false", "--now", seconds=START_SECONDS)
    except KubectlError:
        # It ends by itself (activeDeadlineSeconds), and its label says whose it was.
        return


def parse(said: str) -> Mapping[str, str]:
    """The last words. Raises `AbsentError` where they are none of ours."""
    found = dict(line.split(" ", 1) for line in plain(said).strip().splitlines() if line.count(" ") == 1)
    if not found:
        raise AbsentError(plain_line(said) or "the pod that was to knock said nothing")
    return found


def stranger(member: Body, addresses: Sequence[str], port: int) -> Body:
    """The pod: the member's image and place, and nothing else of it."""
    spec, container = member["spec"], _release(member)
    where = {key: spec[key] for key in ("imagePullSecrets", "tolerations", "nodeSelector") if key in spec}
    environment = {"ADDRESSES": " ".join(addresses), "PORT": str(port)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"doctor-{secrets.token_hex(4)}",
            "labels": {LABEL: member["metadata"]["labels"]["elixircluster.dev/cluster"]},
        },
        "spec": {
            **where,
            "restartPolicy": "Never",
            "activeDeadlineSeconds": 30,
            "terminationGracePeriodSeconds": 0,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65534,
                "runAsGroup": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "stranger",
                    "image": container["image"],
                    "imagePullPolicy": container.get("imagePullPolicy", "IfNotPresent"),
                    "command": ["/bin/sh", "-c", (files(__package__) / "stranger.sh").read_text()],
                    "env": [{"name": name, "value": value} for name, value in environment.items()],
                    "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }


def _release(member: Body) -> Body:
    return next(item for item in member["spec"]["containers"] if item["name"] == CONTAINER)
