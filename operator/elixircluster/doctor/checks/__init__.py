"""The checks, in the order in which a person would ask."""

from __future__ import annotations

from elixircluster.doctor.checks import (
    certificates,
    containers,
    cookie,
    discovery,
    flags,
    machines,
    mesh,
    network,
    pods,
    policy,
)
from elixircluster.doctor.finding import Check

CAUSES = (
    Check("machines", "Machines answer", machines.machines),
    Check("resource", "Resource accepted", pods.resource),
    Check("name", "Node names", pods.name, ("resource",)),
    Check("flags", "Flags given once", flags.repeated, ("resource", "name")),
    Check("pods", "Pods run", containers.pods, ("machines", "resource", "name", "flags")),
    Check("frozen", "Nodes answer", pods.frozen, ("pods",)),
    Check("booted", "Releases booted", pods.booted, ("pods", "frozen")),
    Check("epmd", "Port mapper", flags.epmd, ("flags", "name")),
    Check("cookie", "Cookie", cookie.cookie, ("flags",)),
    Check("clock", "Clocks", flags.clock),
    Check("policy", "Network policies", policy.policy),
    Check("dns", "DNS", network.dns, ("machines", "pods", "name", "policy")),
    Check(
        "port", "Port between nodes", network.port, ("machines", "pods", "name", "flags", "frozen", "epmd", "policy")
    ),
    Check("tls", "TLS", certificates.tls, ("pods", "name", "flags", "frozen", "clock", "epmd", "policy", "port")),
    Check(
        "oneself",
        "Own connection",
        cookie.oneself,
        ("name", "flags", "frozen", "epmd", "cookie", "policy", "dns", "port", "tls"),
    ),
    Check("discovery", "Discovery", discovery.discovery, ("pods", "name", "flags", "booted", "dns")),
    Check("ports", "Port table", pods.ports, ("pods",)),
    Check("versions", "Versions", flags.versions),
)
"""What can keep nodes apart. A node that is told to keep away is asked about last: the mesh would lack its links."""
APART = Check("apart", "Full mesh wanted", flags.apart, tuple(check.key for check in CAUSES))
BESIDE = (
    Check("release", "Release's name", pods.release, ("pods", "name")),
    Check("restarts", "Restarts", containers.restarts, ("machines", "resource", "name", "flags", "pods")),
    Check("ready", "Pods ready", containers.ready, tuple(check.key for check in CAUSES)),
    Check("resources", "Memory and processor", pods.resources, ("pods",)),
    Check("stranger", "Port to strangers", policy.stranger, ("pods",)),
)
"""What is wrong in itself, and says nothing about the mesh."""
MESH = Check("mesh", "Mesh", mesh.mesh, (*APART.after, APART.key))
ALL = (*CAUSES, APART, *BESIDE, MESH)
