"""How a node is reached and what it must have in common with the others, as its pod's annotation says it.

The spec says how nodes are to be reached, the annotation how this one is: between a change that cannot roll and the
Recreate that somebody allows, the two differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from elixircluster.api.resource import ElixirCluster
from elixircluster.render import vm
from elixircluster.render.discovery import strategy
from elixircluster.render.names import certificate_secret, names

DEFAULT_TICK_SECONDS = 60
"""The runtime's own."""


@dataclass(frozen=True)
class Distribution:
    """What must not differ between nodes that are to meet.

    As in `inet_tls:chat-tls/6789/no-epmd/host/chat/60/cluster.local`. The domain is part of the nodes' names only where
    those are hosts, and so it is told only there.
    """

    protocol: str
    certificates: str
    """Whose they are: the Secret, and the issuer where there is one. Of two authorities neither trusts the other's."""
    port: int
    epmd: bool
    naming: Literal["address", "host"]
    base_name: str
    tick_seconds: int
    domain: str = ""

    @classmethod
    def of(cls, cluster: ElixirCluster) -> Distribution:
        """As the resource wants it."""
        said, naming = cluster.spec.distribution, strategy(cluster).naming
        return cls(
            protocol=vm.protocol(cluster),
            certificates=certificates(cluster),
            port=said.port,
            epmd=said.epmd == "Enabled",
            naming=naming,
            base_name=cluster.base_name,
            tick_seconds=said.net_tick_time_seconds or DEFAULT_TICK_SECONDS,
            domain=cluster.spec.discovery.cluster_domain if naming == "host" else "",
        )

    @classmethod
    def at(cls, cluster: ElixirCluster, annotation: str) -> Distribution:
        """As the node runs whose pod has this annotation."""
        return cls.parse(annotation) or cls.of(cluster)

    @classmethod
    def parse(cls, text: str) -> Distribution | None:
        """As an annotation says it; None where it does not, or says it in an earlier operator's words."""
        match text.split("/"):
            case [carrier, port, ("epmd" | "no-epmd") as epmd, ("address" | "host") as naming, base, tick, *domain]:
                pass
            case _:
                return None
        if not (port.isdecimal() and tick.isdecimal()) or len(domain) != (naming == "host"):
            return None
        protocol, _, whose = carrier.partition(":")
        if bool(whose) != protocol.endswith("_tls"):
            return None
        return cls(protocol, whose, int(port), epmd == "epmd", naming, base, int(tick), "".join(domain))

    def __str__(self) -> str:
        """For the annotation."""
        epmd = "epmd" if self.epmd else "no-epmd"
        carrier = f"{self.protocol}:{self.certificates}" if self.certificates else self.protocol
        parts = (carrier, self.port, epmd, self.naming, self.base_name, self.tick_seconds, self.domain)
        return "/".join(str(part) for part in parts if part)

    @property
    def secret(self) -> str:
        """The Secret with the node's certificate; empty where it speaks no TLS."""
        return self.certificates.partition(":")[0]

    def node(self, cluster: ElixirCluster, pod: str, address: str) -> str:
        """The name of the node in a pod of the resource; empty while that depends on an address which is not there."""
        if self.naming == "address":
            return f"{self.base_name}@{address}" if address else ""
        return f"{self.base_name}@{pod}.{names(cluster).headless}.{cluster.namespace}.svc.{self.domain}"


def certificates(cluster: ElixirCluster) -> str:
    """Whose the nodes' are, as in `chat-tls-issued:ClusterIssuer:ca:cert-manager.io`; empty without TLS."""
    if not vm.encrypted(cluster):
        return ""
    issuer = cluster.spec.distribution.tls.issuer_ref
    signer = (issuer.kind, issuer.name, issuer.group) if issuer else ()
    return ":".join((certificate_secret(cluster), *signer))
