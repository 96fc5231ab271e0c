"""The matrix: which combinations there are, and what is to become of each."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from tests.images import BOOKWORM, IMAGES, SUITES, USUAL, Suite, named

STRATEGIES = ("DNS", "DNSSRV", "API", "Static", "None")
RELEASES = {"Mix": "chat", "Relx": "pond", "Gleam": "tide", "Erl": "reef"}
"""Of each runtime the example, which is also the base name of its nodes."""

Outcome = Literal["connected", "alone", "refused"]
REFUSED_IPV6 = "libcluster asks the API server over IPv4 only"


@dataclass(frozen=True)
class Cell:
    """One combination."""

    strategy: str
    runtime: str
    tls: bool
    epmd: bool
    family: str = "IPv4"
    suite: Suite = USUAL

    def __str__(self) -> str:
        parts = (self.strategy, self.runtime, "tls" if self.tls else "plain", "epmd" if self.epmd else "none")
        return "-".join((*parts, self.family, f"otp{self.suite.otp}")).lower()

    @property
    def release(self) -> str:
        return RELEASES[self.runtime]

    @property
    def image(self) -> str:
        """In the catalogue of images."""
        return named(self.release, self.suite)

    @property
    def outcome(self) -> Outcome:
        """What the resource must come to.

        The three Erlang examples have no discovery library: where DNS or the API is to be asked, nobody in them does,
        and it is the operator that introduces their nodes to each other.
        """
        if self.strategy == "API" and self.family == "IPv6":
            return "refused"
        if self.strategy == "None":
            return "alone"
        return "connected"

    @property
    def protocol(self) -> str:
        return ("inet" if self.family == "IPv4" else "inet6") + ("_tls" if self.tls else "_tcp")

    @property
    def module(self) -> str | None:
        """The strategy that libcluster is told to use."""
        dns = "Kubernetes.DNS" if self.family == "IPv4" else "DNSPoll"
        names = {"DNS": dns, "DNSSRV": "Kubernetes.DNSSRV", "API": "Kubernetes", "Static": "Epmd"}
        return f"Elixir.Cluster.Strategy.{names[self.strategy]}" if self.strategy in names else None

    def resource(self) -> dict[str, Any]:
        return elixircluster(
            str(self),
            self.release,
            image=IMAGES[self.image].reference,
            runtime=self.runtime,
            replicas=3,
            discovery={"strategy": self.strategy, **({} if self.strategy == "None" else {"pollingIntervalSeconds": 2})},
            distribution={
                "tls": {"mode": "SelfSigned" if self.tls else "Disabled"},
                "epmd": "Enabled" if self.epmd else "Disabled",
                "ipFamily": self.family,
            },
            **({"env": [{"name": "HTTP_IP", "value": "::"}]} if self.family == "IPv6" else {}),
        )


def elixircluster(name: str, release: str, **spec: Any) -> dict[str, Any]:
    """A resource of one of the examples, with as little of the machine as will do."""
    return {
        "apiVersion": "elixircluster.dev/v1alpha1",
        "kind": "ElixirCluster",
        "metadata": {"name": name},
        "spec": {
            "image": f"docker.io/library/{release}:1.0.0",
            "imagePullPolicy": "IfNotPresent",
            "release": {"name": release},
            "web": {"port": 4000},
            "vm": {"schedulers": 1},
            "resources": {"requests": {"cpu": "1m", "memory": "32Mi"}},
            "health": {"startup": {"tcpSocket": {}, "periodSeconds": 1, "failureThreshold": 120}},
            **spec,
        },
    }


def cells() -> Iterator[Cell]:
    """All of them."""
    both = (False, True)
    families = ("IPv4", "IPv6")
    for suite, family, *choice in itertools.product(SUITES, families, STRATEGIES, RELEASES, both, both):
        yield Cell(*choice, family=family, suite=suite)


SAMPLE = (
    Cell("DNS", "Mix", tls=False, epmd=False),
    Cell("DNSSRV", "Mix", tls=True, epmd=True),
    Cell("API", "Mix", tls=True, epmd=False),
    Cell("Static", "Mix", tls=True, epmd=False),
    Cell("Static", "Relx", tls=True, epmd=False),
    Cell("Static", "Gleam", tls=False, epmd=False),
    Cell("Static", "Erl", tls=True, epmd=True),
    Cell("None", "Relx", tls=False, epmd=True),
    Cell("DNS", "Erl", tls=False, epmd=False),
    Cell("API", "Mix", tls=False, epmd=False, family="IPv6"),
    Cell("DNS", "Mix", tls=True, epmd=True, suite=BOOKWORM),
    Cell("Static", "Erl", tls=True, epmd=False, suite=BOOKWORM),
    Cell("DNSSRV", "Gleam", tls=False, epmd=True, suite=BOOKWORM),
)
"""Each strategy, runtime, kind of connection and outcome at least once; a few with the OTP before."""
