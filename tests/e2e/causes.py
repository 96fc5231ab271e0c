"""What keeps nodes apart, made on purpose: one row a cause, each a small resource that has it and no other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.certificates import Authority, Leaf

from .user import Namespace, Object

IMAGE = "docker.io/library/chat:1.0.0"
FLY_IMAGE = "docker.io/library/chat-fly:1.0.0"
PORT = 6789
COOKIE = "Another_cookie_of_the_second_node"


@dataclass(frozen=True)
class Cause:
    """`named` is the check that must fail, alone; `words` are in its verdict or evidence."""

    name: str
    named: str
    words: str
    spec: Object = field(default_factory=dict)
    others: Callable[[str, str], Sequence[Object]] = lambda _namespace, _name: ()
    on_second: str = ""
    """What the shell of the second node does before it starts."""
    sampled: bool = True
    """Whether it is among those of every run, or of campaigns only."""
    then: Callable[[Namespace, str], object] = lambda _namespace, _name: None
    """What happens to the nodes once they run."""

    def objects(self, namespace: str) -> list[Object]:
        """The resource and what it refers to."""
        return [*self.others(namespace, self.name), self.resource()]

    def resource(self) -> Object:
        release = {"name": "chat"}
        if self.on_second:
            script = f"case $HOSTNAME in *-1) {self.on_second};; esac; exec bin/chat start"
            release |= {"command": ["/bin/sh", "-c"], "args": [script]}
        spec = {
            "image": IMAGE,
            "imagePullPolicy": "IfNotPresent",
            "replicas": 2,
            "release": release,
            "web": {"port": 4000},
            "vm": {"schedulers": 1},
            "resources": {"requests": {"cpu": "1m", "memory": "32Mi"}},
            "health": {"startup": {"tcpSocket": {}, "periodSeconds": 1, "failureThreshold": 120}},
            **self.spec,
        }
        return {
            "apiVersion": "elixircluster.dev/v1alpha1",
            "kind": "ElixirCluster",
            "metadata": {"name": self.name},
            "spec": spec,
        }


def env(**variables: str) -> list[Object]:
    return [{"name": name, "value": value} for name, value in variables.items()]


def reading_flags_of(name: str) -> Object:
    """A spec whose nodes have what `unseen_flags` makes."""
    return {"envFrom": [{"configMapRef": {"name": f"{name}-flags"}}]}


def unseen_flags(text: str) -> Callable[[str, str], Sequence[Object]]:
    """Flags that nobody refuses, because nobody reads them before the node does."""
    config = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"ERL_ZFLAGS": text}}
    return lambda _namespace, name: [{**config, "metadata": {"name": f"{name}-flags"}}]


def egress_policy(_namespace: str, name: str) -> list[Object]:
    """Lets DNS out and nothing else, as a default that somebody has set for the whole namespace."""
    dns = [{"ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]}]
    spec = {
        "podSelector": {"matchLabels": {"elixircluster.dev/cluster": name}},
        "policyTypes": ["Egress"],
        "egress": dns,
    }
    return [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"{name}-lockdown"},
            "spec": spec,
        }
    ]


ELSEWHERE = (
    "[{libcluster,[{topologies,[{mine,[{strategy,'Elixir.Cluster.Strategy.Kubernetes.DNS'},"
    '{config,[{service,<<"other-nodes">>},{application_name,<<"chat">>}]}]}]}]}].'
)

OTHER_OPTIONS = """
[{server,[{certfile,"/other/tls.crt"},{keyfile,"/other/tls.key"},{cacertfile,"/other/ca.crt"},
          {verify,verify_peer},{fail_if_no_peer_cert,true}]},
 {client,[{certfile,"/other/tls.crt"},{keyfile,"/other/tls.key"},{cacertfile,"/other/ca.crt"},{verify,verify_peer},
          {customize_hostname_check,[{match_fun,fun erlang:'=/='/2}]}]}].
"""
USE_OTHER = (
    'export ERL_AFLAGS="$(echo "$ERL_AFLAGS" | '
    'sed s,/etc/elixircluster/inet_tls.config,/etc/elixircluster/files/other.config,)"'
)


def with_other_certificate(tls: Object, name: str) -> Object:
    """A spec by which the second node has its certificate from another Secret."""
    return {
        "distribution": {"tls": tls},
        "files": {"other.config": OTHER_OPTIONS},
        "volumes": [{"name": "other", "secret": {"secretName": name}}],
        "volumeMounts": [{"name": "other", "mountPath": "/other", "readOnly": True}],
    }


def secret(name: str, authority: Authority, leaf: Leaf) -> Object:
    data = {"tls.crt": leaf.certificate, "tls.key": leaf.key, "ca.crt": authority.certificate}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


def foreign_certificate(namespace: str, name: str) -> list[Object]:
    authority = Authority("another company")
    return [secret("foreign", authority, authority.leaf(f"{name}-nodes.{namespace}.svc.cluster.local"))]


def expired_certificate(namespace: str, name: str) -> list[Object]:
    """Two of one CA: one that is valid, and one that was."""
    authority, domain = Authority("our company"), f"{name}-nodes.{namespace}.svc.cluster.local"
    hosts = [f"{name}-{ordinal}.{domain}" for ordinal in range(2)]
    return [
        secret("valid", authority, authority.leaf(*hosts, days=30)),
        secret("expired", authority, authority.leaf(*hosts, days=-1)),
    ]


def own_secret(name: str) -> Object:
    return {"mode": "Secret", "secretRef": {"name": name}}


def cut(namespace: Namespace, name: str) -> None:
    namespace.kubernetes.fault.partition(*(f"{namespace.name}/{name}-{ordinal}" for ordinal in range(2)))


def freeze(namespace: Namespace, name: str) -> None:
    namespace.kubernetes.fault.freeze(f"{namespace.name}/{name}-1")


def change_cookie(namespace: Namespace, name: str) -> None:
    namespace.rpc(f"{name}-1", f"Node.set_cookie(:{COOKIE.lower()})")


NO_DNS = {"spec": {"dnsPolicy": "None", "dnsConfig": {"nameservers": ["192.0.2.1"]}}}

HEALTHY = Cause("healthy", "", "nothing is wrong")

CAUSES = (
    Cause(
        "cookie",
        "cookie",
        "cookie-1 has another cookie than its Secret",
        on_second=f"export RELEASE_COOKIE={COOKIE}",
    ),
    Cause("name", "name", "RELEASE_NODE", {"image": FLY_IMAGE}),
    Cause("alias", "name", "alias-1 runs as other@", on_second='export RELEASE_NODE="other@$POD_IP"', sampled=False),
    Cause("nameless", "name", "nameless-0", {"image": FLY_IMAGE, "env": env(FLY_APP_NAME="-")}, sampled=False),
    Cause("lockdown", "policy", "lockdown-lockdown", others=egress_policy),
    Cause("cut", "port", "6789", then=cut),
    Cause("ice", "frozen", "ice-1's node is stopped", then=freeze),
    Cause("changed", "oneself", "changed-1 refuses a connection", then=change_cookie, sampled=False),
    Cause(
        "doubled-port",
        "flags",
        "-erl_epmd_port 2 times",
        reading_flags_of("doubled-port"),
        unseen_flags(f"-erl_epmd_port {PORT}"),
        sampled=False,
    ),
    Cause(
        "doubled-tls",
        "flags",
        "-proto_dist 2 times, from ERL_AFLAGS and ERL_ZFLAGS",
        {**reading_flags_of("doubled-tls"), "distribution": {"tls": {"mode": "SelfSigned"}}},
        unseen_flags("-proto_dist inet_tls"),
    ),
    Cause("no-dns", "dns", "timeout", {"podTemplate": NO_DNS}),
    Cause(
        "topology",
        "discovery",
        "asks for other-nodes",
        {"files": {"mine.config": ELSEWHERE}, "env": env(ERL_ZFLAGS="-config /etc/elixircluster/files/mine")},
    ),
    Cause(
        "foreign-ca",
        "tls",
        "does not know the CA",
        with_other_certificate({"mode": "SelfSigned"}, "foreign"),
        foreign_certificate,
        on_second=USE_OTHER,
    ),
    Cause(
        "expired",
        "tls",
        "expired-1: its certificate expired on",
        {**with_other_certificate(own_secret("valid"), "expired"), "discovery": {"strategy": "DNSSRV"}},
        expired_certificate,
        on_second=USE_OTHER,
    ),
    Cause("hidden", "apart", "hidden-0 is started with -hidden", {"env": env(ERL_ZFLAGS="-hidden")}, sampled=False),
    Cause(
        "unready",
        "ready",
        "spec.health.readiness",
        {"health": {"startup": {"disabled": True}, "readiness": {"httpGet": {"path": "/nothing-there"}}}},
        sampled=False,
    ),
    Cause("epmd-mix", "epmd", "epmd-mix-1 is to be found by epmd", on_second="unset ERL_AFLAGS"),
)
