"""How a pod goes: it serves on until nobody sends it anything, then its node is told to stop, and has time for it."""

from __future__ import annotations

from typing import Any

from elixircluster.api.resource import ElixirCluster
from elixircluster.api.service import PRE_STOP_SECONDS

# Phoenix gives its sockets up to 30 s, an HTTP server 15 s, and every supervisor its children 5 s.
STOP_SECONDS = 55

# Kubernetes tells process 1 alone, and once. A shell there ignores SIGTERM: it is what waits for erl in a Gleam
# shipment and in `sh -c "migrate && start"`. A BEAM that is still booting loses it. The pod would take its whole grace
# period, and be killed in the middle of its work. So every BEAM is told, and told again, which stops it no sooner.
# In the first round process 1 is left to Kubernetes. What goes on is left behind, since a hook that ends with its
# container is reported as failed.
TELL_EVERY_BEAM = """\
spared=1
while :; do
  for process in /proc/[0-9]*; do
    pid=${process#/proc/}
    read -r name < "$process/comm" || continue
    case $pid/$name in
      $spared/*) ;;
      */beam.*) kill -TERM "$pid" ;;
    esac
  done
  spared=
  sleep 5
done < /dev/null > /dev/null 2>&1 &
"""

Json = Any


def pre_stop_seconds(cluster: ElixirCluster) -> int:
    """How long a pod that is to go serves on."""
    said = cluster.spec.shutdown.pre_stop_seconds
    if said is not None:
        return said
    return PRE_STOP_SECONDS if cluster.spec.web else 0


def grace_period_seconds(cluster: ElixirCluster) -> int:
    """How long all of it may take."""
    return cluster.spec.shutdown.grace_period_seconds or pre_stop_seconds(cluster) + STOP_SECONDS


def lifecycle(cluster: ElixirCluster) -> dict[str, Json]:
    """The container's hooks. There is one action a hook, so what also tells the node waits by itself."""
    seconds = pre_stop_seconds(cluster)
    if cluster.spec.shutdown.hook == "Exec":
        wait = f"sleep {seconds}\n" if seconds else ""
        return {"preStop": {"exec": {"command": ["/bin/sh", "-c", wait + TELL_EVERY_BEAM]}}}
    return {"preStop": {"sleep": {"seconds": seconds}}} if seconds else {}
