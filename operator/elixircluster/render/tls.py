"""TLS between nodes: what certificates are for, and how the runtime is to check them.

https://www.erlang.org/doc/apps/ssl/ssl_distribution.html
"""

from __future__ import annotations

from collections.abc import Iterator

from elixircluster.api.resource import ElixirCluster
from elixircluster.render.discovery import strategy
from elixircluster.render.names import headless_host, pod_name
from elixircluster.render.vm import TLS_FOLDER

# A certificate names every ordinal up to the next of these sizes, so that scaling within it issues nothing.
SIZES = (32, 64, 128, 256, 512, 1000)


def capacity(replicas: int) -> int:
    """For how many nodes a certificate is good."""
    return next(size for size in SIZES if replicas <= size)


def hosts(cluster: ElixirCluster) -> Iterator[str]:
    """The DNS names of the certificate: every node's host and no wildcard, which the runtime would not match.

    Nodes that are named by address share the headless Service's name.
    """
    if strategy(cluster).naming == "address":
        yield headless_host(cluster)
        return
    for ordinal in range(capacity(cluster.spec.replicas)):
        yield f"{pod_name(cluster, ordinal)}.{headless_host(cluster)}"


def options_file(cluster: ElixirCluster) -> str:
    """The file for `-ssl_dist_optfile`: both sides show a certificate, and both check the other's.

    The runtime compares the host of a node's name with the DNS names of its certificate. An address cannot be in one
    that is made before the pod, so nodes named by address check only that the resource's own CA has signed.
    """
    files = ",".join(
        f'{{{option},"{TLS_FOLDER}/{file}"}}'
        for option, file in (("certfile", "tls.crt"), ("keyfile", "tls.key"), ("cacertfile", "ca.crt"))
    )
    client = "{verify,verify_peer}"
    if strategy(cluster).naming == "address":
        client += ",{customize_hostname_check,[{match_fun,fun erlang:'=/='/2}]}"
    return (
        f"[{{server,[{files},{{verify,verify_peer}},{{fail_if_no_peer_cert,true}}]}},\n"
        f" {{client,[{files},{client}]}}].\n"
    )
