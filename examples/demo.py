"""`make demo`: a Kubernetes, the operator in it, and three Elixir nodes that see each other."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.cluster import Cluster, binary, up
from tests.images import archive

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "deploy" / "helm" / "elixircluster"
NAMESPACE = "elixircluster-system"
CLUSTER = "demo"

console = Console(highlight=False)


def main() -> None:
    """The whole way, a line a step."""
    started = time.monotonic()
    with step("a Kubernetes"):
        cluster = up(CLUSTER)
    with step("images of the operator and of the chat example"):
        cluster.load(archive("operator"), archive("chat"), archive("chat-v2"))
    with step("the operator, by its Helm chart"):
        install(cluster)
    applied = time.monotonic()
    with step("examples/chat.yaml: three nodes"):
        cluster.kubectl("apply", "-f", str(ROOT / "examples" / "chat.yaml"))
        cluster.kubectl("wait", "--for=condition=Ready", "elixircluster/chat", "--timeout=180s")
    connected = time.monotonic()
    show(cluster)
    console.print(
        f"Ready {connected - applied:.0f} s after kubectl apply; everything took {connected - started:.0f} s.\n"
    )
    suggest(cluster)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    console.print(f"[bold]→[/] {what}")
    started = time.monotonic()
    yield
    console.print(f"  [green]done[/] in {time.monotonic() - started:.0f} s")


def install(cluster: Cluster) -> None:
    """Install or upgrade the chart. A CustomResourceDefinition that is there already becomes the release's."""
    subprocess.run(
        [
            *(str(binary("helm")), "--kubeconfig", str(cluster.kubeconfig), "upgrade", "--install", "elixircluster"),
            *(str(CHART), "--namespace", NAMESPACE, "--create-namespace", "--take-ownership"),
            *("--wait", "--timeout", "180s"),
            *("--set", "image.repository=docker.io/library/elixircluster", "--set", "image.tag=dev"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def show(cluster: Cluster) -> None:
    """The three nodes, and what each of them sees."""
    cluster_status = json.loads(cluster.kubectl("get", "elixircluster", "chat", "-o", "json"))["status"]
    nodes = [node["node"] for node in cluster_status["nodes"]]
    table = Table(title="who sees whom", title_style="bold")
    table.add_column("node")
    for node in nodes:
        table.add_column(node.rpartition("@")[2], justify="center")
    for node in cluster_status["nodes"]:
        seen = visible(cluster, node["pod"], wanted=len(nodes) - 1)
        marks = ("·" if other == node["node"] else "[green]✔[/]" if other in seen else "[red]✘[/]" for other in nodes)
        table.add_row(node["node"], *marks)
    console.print(cluster.kubectl("get", "elixircluster", "chat"))
    console.print(table)


def visible(cluster: Cluster, pod: str, wanted: int) -> str:
    """What the node in a pod says that it is connected to; asked again for a while until it is `wanted` many."""
    for _ in range(20):
        answer = cluster.kubectl("exec", pod, "-c", "app", "--", "bin/chat", "rpc", "IO.inspect(Node.list())")
        if answer.count("@") >= wanted:
            break
        time.sleep(0.5)
    return answer


def suggest(cluster: Cluster) -> None:
    """What to try next."""
    console.print("Try next:")
    console.print(f"  export KUBECONFIG={cluster.kubeconfig} PATH={ROOT}/.venv/bin:$PATH", soft_wrap=True)
    for command, what in (
        ("kubectl scale elixircluster/chat --replicas 5", "two more nodes join"),
        ("kubectl delete service chat-nodes", "and see it come back"),
        (
            """kubectl patch elixircluster chat --type merge -p '{"spec":{"image":"docker.io/library/chat:2.0.0"}}'""",
            "a rolling update, node by node",
        ),
        ("kubectl elixir mesh chat --watch", "who sees whom, live"),
        ("kubectl elixir console chat", "a console on a node"),
        ("kubectl elixir status chat", "what the operator sees"),
        ("make cluster-down NAME=demo", "remove it all"),
    ):
        console.print(f"  {command}\n    [dim]{what}[/]", soft_wrap=True)


if __name__ == "__main__":
    try:
        main()
    except (subprocess.CalledProcessError, RuntimeError) as error:
        console.print(f"[red]failed:[/] {error}")
        sys.exit(1)
