"""How clients reach the cluster, and how Kubernetes sees that a node is well."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from elixircluster.api.schema import Annotations, Model, Port, Rule, Seconds


class WebService(Model):
    """The Service in front of the nodes."""

    type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field("ClusterIP", description="Type of the Service.")
    port: Port = Field(80, description="Port of the Service.")
    annotations: Annotations = Field(default_factory=dict, description="Annotations of the Service.")


class Web(Model):
    """The HTTP endpoint of the release."""

    port: Port = Field(4000, description="The port on which the release listens; also its PORT variable.")
    service: WebService = Field(default_factory=WebService, description="The Service in front of the nodes.")


class HttpCheck(Model):
    """Well is an answer of 200 to 399."""

    path: Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^/")] = Field(
        description="Path to GET."
    )
    port: Port | None = Field(None, description="Port to ask. Default: web.port.")


class TcpCheck(Model):
    """Well is a connection that is accepted."""

    port: Port | None = Field(None, description="Port to connect to. Default: web.port, or the distribution port.")


class Check(Model):
    """One probe. None of them starts a virtual machine, as an `rpc` command would."""

    rules: ClassVar = (
        Rule(
            "[has(self.httpGet), has(self.tcp), has(self.disabled) && self.disabled].filter(x, x).size() <= 1",
            "choose one of httpGet, tcp and disabled",
        ),
    )

    http_get: HttpCheck | None = Field(None, description="Ask over HTTP.")
    tcp: TcpCheck | None = Field(None, description="Connect, and hang up.")
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
