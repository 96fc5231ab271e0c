"""The checks, in the order in which a person would ask."""

from __future__ import annotations

from elixircluster.doctor.checks import certificates, discovery, flags, network, pods, policy
from elixircluster.doctor.finding import Check

CHECKS = (
    Check("resource", "Resource accepted", pods.resource),
    Check("name", "Node names", pods.name, ("resource",)),
    Check("flags", "Flags given once", flags.repeated, ("resource", "name")),
    Check("pods", "Pods run", pods.pods, ("resource", "name", "flags")),
    Check("frozen", "Nodes answer", pods.frozen, ("pods",)),
    Check("epmd", "Port mapper", flags.epmd, ("flags", "name")),
    Check("cookie", "Cookie", flags.cookie),
    Check("clock", "Clocks", flags.clock),
    Check("policy", "Network policies", policy.policy),
    Check("dns", "DNS", network.dns, ("pods", "name", "policy")),
    Check("port", "Port between nodes", network.port, ("pods", "name", "flags", "frozen", "epmd", "policy")),
    Check("tls", "TLS", certificates.tls, ("pods", "name", "flags", "frozen", "clock", "epmd", "policy", "port")),
    Check("oneself", "Own connection", discovery.oneself, ("name", "flags", "frozen", "epmd", "cookie", "port", "tls")),
    Check("discovery", "Discovery", discovery.discovery, ("pods", "name", "flags", "dns")),
    Check("resources", "Memory and processor", pods.resources, ("pods",)),
    Check("ports", "Port table", pods.ports, ("pods",)),
    Check("versions", "Versions", flags.versions),
    Check("stranger", "Port to strangers", network.stranger, ("pods",)),
)
MESH = Check("mesh", "Mesh", discovery.mesh, tuple(check.key for check in CHECKS if check.key != "stranger"))
ALL = (*CHECKS, MESH)
