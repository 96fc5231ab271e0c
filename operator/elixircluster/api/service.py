"""How clients reach the cluster, how Kubernetes sees that a node is well, and how a node goes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from elixircluster.api.schema import Annotations, Model, Port, Rule, Seconds, Text

# The name of a protocol, with or without a domain: `http`, `kubernetes.io/h2c`.
Protocol = Annotated[
    str,
    StringConstraints(
        min_length=1,
        max_length=317,
        pattern=r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$",
    ),
]
PRE_STOP_SECONDS = 5
"""Where there is a web endpoint: what endpoints and load balancers take to hear that a pod goes."""


class WebService(Model):
    """The Service in front of the nodes."""

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field("ClusterIP", description="Type of the Service.")
    port: Port = Field(80, description="Port of the Service.")
    app_protocol: Protocol | None = Field(
        None,
        description="appProtocol of the Service's port. Default: none, since some clouds take http as an order to "
        "probe the path /, and send nothing to nodes that do not answer 200 there.",
    )
    annotations: Annotations = Field(default_factory=dict, description="Annotations of the Service.")


class Web(Model):
    """The HTTP endpoint of the release."""

    port: Port = Field(4000, description="The port on which the release listens; also its PORT variable.")
    service: WebService = Field(default_factory=WebService, description="The Service in front of the nodes.")


class HttpHeader(Model):
    """A header of a request."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^[-A-Za-z0-9]+$")] = Field(
        description="Its name."
    )
    value: Text = Field(description="Its value.")


class HttpGet(Model):
    """Well is an answer of 200 to 399."""

    path: Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^/")] = Field(
        description="Path to GET."
    )
    port: Port | None = Field(None, description="Port to ask. Default: web.port.")
    scheme: Literal["HTTP", "HTTPS"] = Field("HTTP", description="HTTPS: the certificate is not checked.")
    http_headers: Annotated[list[HttpHeader], Field(max_length=16)] = Field(
        default_factory=list,
        description="Headers. To web.port goes X-Forwarded-Proto: https unless it is named here, because an endpoint "
        "with force_ssl redirects everything else, and its health route would never run.",
    )


class TcpSocket(Model):
    """Well is a connection that is accepted."""

    port: Port | None = Field(None, description="Port to connect to. Default: web.port, or the distribution port.")


class Exec(Model):
    """Well is a command that ends with 0."""

    command: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=4096)]], Field(min_length=1, max_length=32)
    ] = Field(description="Run in the release's container, without a shell. A bin/app rpc starts a virtual machine.")


class Check(Model):
    """One probe. None of the defaults starts a virtual machine, as an `rpc` command would."""

    rules: ClassVar = (
        Rule(
            "[has(self.httpGet), has(self.tcpSocket), has(self.exec), has(self.disabled) && self.disabled]"
            ".filter(x, x).size() <= 1",
            "choose one of httpGet, tcpSocket, exec and disabled",
        ),
    )

    http_get: HttpGet | None = Field(None, description="Ask over HTTP.")
    tcp_socket: TcpSocket | None = Field(None, description="Connect, and hang up.")
    exec: Exec | None = Field(None, description="Run a command.")
    disabled: bool = Field(False, description="No such probe.")
    period_seconds: Seconds | None = Field(None, description="How often, in seconds.")
    timeout_seconds: Seconds | None = Field(None, description="How long to wait for an answer, in seconds.")
    failure_threshold: Annotated[int, Field(ge=1, le=10000)] | None = Field(
        None, description="How many failures in a row count."
    )


class Health(Model):
    """Probes. What is not said follows from web: its port if there is one, else the distribution port."""

    startup: Check = Field(default_factory=Check, description="Until this succeeds the others wait.")
    readiness: Check = Field(default_factory=Check, description="While this fails the pod gets no traffic.")
    liveness: Check | None = Field(
        None,
        description="When this fails the pod is restarted. Default: none; a BEAM that dies exits by itself.",
    )


class Drain(Model):
    """A function of the application that empties a node, called on it before it goes by the operator's hand."""

    module: Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[A-Za-z_][A-Za-z0-9_.@]*$")] = (
        Field(description="Its module: Chat.Drain of Elixir, chat_drain of Erlang.")
    )
    function: Annotated[
        str, StringConstraints(min_length=1, max_length=255, pattern=r"^[a-z_][A-Za-z0-9_@]*[?!]?$")
    ] = Field(description="Its name. What it answers does not matter; the node goes once it has answered.")
    arguments: Annotated[list[Annotated[str, StringConstraints(max_length=4096)]], Field(max_length=16)] = Field(
        default_factory=list, description="Texts; each becomes a binary."
    )
    timeout_seconds: Seconds = Field(60, description="After how long the node goes without an answer.")


class Shutdown(Model):
    """How a node goes."""

    pre_stop_seconds: Annotated[int, Field(ge=0, le=3600)] | None = Field(
        None,
        description="How long a pod that is to go serves on before its node is told to stop, in seconds, because "
        f"endpoints and load balancers hear of it late. Default: {PRE_STOP_SECONDS} with web, else 0.",
    )
    grace_period_seconds: Seconds | None = Field(
        None,
        description="How long all of it may take; what still runs then is killed. Default: preStopSeconds, and 55 for "
        "the node to stop.",
    )
    drain: Drain | None = Field(
        None,
        description="Called on a node that an update replaces or that fewer replicas leave out, before its pod is told "
        "to go. Not for what others do (an eviction, kubectl delete), nor with Recreate, which stops all nodes.",
    )
    hook: Literal["Exec", "Sleep"] = Field(
        "Exec",
        description="Exec: a shell in the container waits, and then tells every BEAM there to stop, whatever the "
        "first process is. Sleep: Kubernetes waits, and tells the first process alone; for images without /bin/sh, "
        "whose first process is the node or passes SIGTERM on.",
    )
