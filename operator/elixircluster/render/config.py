"""The ConfigMap's files: what the runtime reads at its start, and the user's own."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from elixircluster.api.resource import ElixirCluster
from elixircluster.render import discovery, vm
from elixircluster.render.runtimes import runtime
from elixircluster.render.tls import options_file

FILES_PREFIX = "file."


def config_files(cluster: ElixirCluster) -> dict[str, str]:
    """Data of the ConfigMap."""
    return {
        **runtime(cluster).files(cluster),
        vm.CLUSTER_CONFIG: discovery.config_file(cluster),
        **({vm.TLS_OPTIONS: options_file(cluster)} if vm.encrypted(cluster) else {}),
        **{f"{FILES_PREFIX}{name}": text for name, text in cluster.spec.files.items()},
    }


def identity(cluster: ElixirCluster) -> str:
    """A short name for what a running node has read: where it changes, nodes must be replaced.

    The number of nodes is left out. Some files name all of them, and a node that runs need not read the new names:
    those that start later dial it.
    """
    unsized = replace(cluster, spec=cluster.spec.model_copy(update={"replicas": 0}))
    text = json.dumps(config_files(unsized), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
