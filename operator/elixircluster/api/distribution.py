"""The connection between nodes: port, cookie, encryption, address family, and who may reach it."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from elixircluster.api.schema import Model, ObjectName, Port, RawObject, Rule

EPMD_PORT = 4369


class SecretKeyReference(Model):
    """A key of a Secret in the resource's namespace."""

    name: ObjectName = Field(description="Name of the Secret.")
    key: Annotated[str, StringConstraints(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")] = Field(
        description="Key of the Secret."
    )


class Cookie(Model):
    """Where the distribution cookie comes from."""

    secret_key_ref: SecretKeyReference | None = Field(
        None,
        description="A Secret of yours that holds the cookie: letters, digits and _-=+/.,:@%^~! with "
        "neither - nor + in front, at least 20 and no newline. "
        "Default: a Secret that the operator makes once, with 32 random bytes.",
    )


class SecretReference(Model):
    """A Secret in the resource's namespace."""

    name: ObjectName = Field(description="Name of the Secret.")


class IssuerReference(Model):
    """An issuer of cert-manager."""

    name: ObjectName = Field(description="Name of the issuer.")
    kind: Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=r"^[A-Za-z][A-Za-z0-9]*$")] = Field(
        "Issuer", description="Its kind: Issuer, ClusterIssuer, or one of another group."
    )
    group: ObjectName = Field("cert-manager.io", description="Its API group; that of an external issuer differs.")


class Tls(Model):
    """Encryption between nodes, with both sides' certificates verified."""

    rules: ClassVar = (
        Rule(
            "(self.mode == 'Secret') == has(self.secretRef)",
            "distribution.tls.secretRef belongs to mode Secret, which needs it",
            "secretRef",
        ),
        Rule(
            "(self.mode == 'CertManager') == has(self.issuerRef)",
            "distribution.tls.issuerRef belongs to mode CertManager, which needs it",
            "issuerRef",
        ),
    )

    mode: Literal["Disabled", "SelfSigned", "CertManager", "Secret"] = Field(
        "Disabled",
        description="SelfSigned: the operator makes a CA and a certificate for this resource alone, and renews them. "
        "CertManager: cert-manager makes the certificate. Secret: you do.",
    )
    secret_ref: SecretReference | None = Field(
        None,
        description="With mode Secret: a Secret with tls.crt, tls.key and ca.crt, as cert-manager writes it. The "
        "certificate's DNS names must be the nodes' hosts.",
    )
    issuer_ref: IssuerReference | None = Field(None, description="With mode CertManager: who signs.")


class Distribution(Model):
    """The connection between nodes."""

    rules: ClassVar = (
        Rule(
            f"!(has(self.epmd) && self.epmd == 'Enabled' && has(self.port) && self.port == {EPMD_PORT})",
            f"distribution.port {EPMD_PORT} is epmd's own; choose another",
            "port",
        ),
    )

    port: Port = Field(6789, description="The one port on which every node listens for the others.")
    epmd: Literal["Disabled", "Enabled"] = Field(
        "Disabled",
        description="Disabled: nodes know each other's port, and there is no port mapper that tells names to anybody. "
        f"Enabled: as the runtime does by itself, with epmd on port {EPMD_PORT}.",
    )
    cookie: Cookie = Field(default_factory=Cookie, description="The shared secret of the nodes.")
    tls: Tls = Field(default_factory=Tls, description="Encryption between nodes.")
    ip_family: Literal["IPv4", "IPv6"] = Field(
        "IPv4", description="The one address family in which nodes are named, found and connected."
    )
    net_tick_time_seconds: Annotated[int, Field(ge=4, le=3600)] | None = Field(
        None,
        description="After how many seconds without an answer a node is given up (kernel net_ticktime; "
        "the runtime's default is 60). All nodes must agree, so a change of it cannot roll (update.allowRecreate).",
    )


class NetworkPolicy(Model):
    """Who may reach the distribution port. Whoever can, and has the cookie, is root in every node."""

    mode: Literal["Enforced", "Disabled"] = Field(
        "Enforced",
        description="Enforced: a NetworkPolicy opens the distribution port to members and the operator only; every "
        "other port stays as it was. Disabled: no NetworkPolicy.",
    )
    distribution_from: Annotated[list[RawObject], Field(max_length=32)] = Field(
        default_factory=list, description="More peers of the distribution port, as in a NetworkPolicy's from."
    )


class Mesh(Model):
    """The mesh, seen from outside: the operator asks each node, as a hidden node, whom it sees."""

    probe: Literal["Enabled", "Disabled"] = Field(
        "Enabled",
        description="Enabled: nodes are asked, and the condition Clustered tells what they say. It takes the cookie "
        "and a way to the distribution port.",
    )
    interval_seconds: Annotated[int, Field(ge=1, le=300)] = Field(5, description="How often, in seconds.")
    topology: Literal["Full", "Partial"] = Field(
        "Full",
        description="Full: every node is meant to be connected with every other. Partial: which links are meant to be "
        "there is the application's business (kernel dist_auto_connect, connect_all false, hidden nodes): nothing is "
        "dialled, and no missing link is a fault; only nodes that do not answer are.",
    )
    heal: Literal["Reconnect", "Alert", "Restart"] = Field(
        "Reconnect",
        description="Reconnect: a node that lacks a link is asked to connect, with backoff and a bound; no pod is ever "
        "restarted for it. Alert: only told. Restart: where asking was in vain, one pod of the minority at a time is "
        "restarted, and what its node has in memory is lost.",
    )
