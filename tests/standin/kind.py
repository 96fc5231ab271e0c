"""The kind command line, as far as the test bench and the pages use it."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import yaml

from . import API, CLUSTER
from .engine import NETWORK, NO_DAEMON, Container, DaemonError, Engine

NODE_IMAGE = "kindest/node:v1.37.0"
PUBLISHED = re.compile(r"kindest/node:v1\.\d+\.\d+(@sha256:[0-9a-f]{64})?")
CLUSTER_LABEL, ROLE_LABEL = "io.x-k8s.kind.cluster", "io.x-k8s.kind.role"
CONTROL_PLANE, WORKER = "control-plane", "worker"
COREDNS = "kube-system_coredns-7d764666f9-abcde_00000000-0000-0000-0000-000000000000"


def main(words: Sequence[str]) -> None:
    options = parser().parse_args(words)
    options.run(Engine.of_environment(), options)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser("kind", allow_abbrev=False)
    commands = top.add_subparsers(required=True)

    def add(path: str, run: object, *, name: bool = True) -> argparse.ArgumentParser:
        verb, noun = path.split()
        found: argparse.ArgumentParser = verbs[verb].add_parser(noun, allow_abbrev=False)
        found.set_defaults(run=run)
        if name:
            found.add_argument("-n", "--name", default="kind")
        return found

    verbs = {
        verb: commands.add_parser(verb).add_subparsers(required=True)
        for verb in ("create", "delete", "get", "load", "export")
    }
    making = add("create cluster", create)
    making.add_argument("--config", type=Path)
    making.add_argument("--image", default=NODE_IMAGE)
    making.add_argument("--kubeconfig", type=Path)
    making.add_argument("--wait")
    add("delete cluster", delete).add_argument("--kubeconfig", type=Path)
    add("get clusters", get_clusters, name=False)
    for path, run in (("load image-archive", load_archive), ("load docker-image", load_image)):
        loading = add(path, run)
        loading.add_argument("--nodes", type=lambda names: names.split(","), default=[])
        loading.add_argument("what", nargs="+")
    add("export logs", export_logs).add_argument("folder", type=Path)
    return top


def tell(line: str) -> None:
    print(line, file=sys.stderr)


def fail(error: str, command: str = "", output: str = "") -> NoReturn:
    """As kind does: where a program that it called failed, with what that one said."""
    told = f'{error}: command "{command}" failed with error: exit status 1' if command else error
    tell(f"ERROR: {told}")
    if command:
        tell(f"\nCommand Output: {output}")
    sys.exit(1)


def listed(engine: Engine, name: str, error: str = "failed to list nodes") -> list[Container]:
    if not engine.answers:
        fail(error, f"docker ps -a --filter label={CLUSTER_LABEL}={name} --format '{{{{.Names}}}}'", NO_DAEMON)
    return engine.containers(**{CLUSTER_LABEL: name})


def get_clusters(engine: Engine, options: argparse.Namespace) -> None:
    if not engine.answers:
        template = f"""'{{{{.Label "{CLUSTER_LABEL}"}}}}'"""
        fail("failed to list clusters", f"docker ps -a --filter label={CLUSTER_LABEL} --format {template}", NO_DAEMON)
    names = sorted({each.labels[CLUSTER_LABEL] for each in engine.containers(**{CLUSTER_LABEL: None})})
    if not names:
        tell("No kind clusters found.")
    for name in names:
        print(name)


def create(engine: Engine, options: argparse.Namespace) -> None:
    if not engine.answers:
        fail("failed to create cluster: failed to get docker info", "docker info --format '{{json .}}'", NO_DAEMON)
    if listed(engine, options.name):
        fail(f'failed to create cluster: node(s) already exist for a cluster with the name "{options.name}"')
    tell(f'Creating cluster "{options.name}" ...')
    pull(engine, options.image)
    roles = roles_of(options.config)
    tell(f" • Preparing nodes {'📦 ' * len(roles)}  ...")
    for name, role in named(options.name, roles):
        engine.save(Container(name, options.image, {CLUSTER_LABEL: options.name, ROLE_LABEL: role}))
        engine.connect(NETWORK, name)
        engine.start(name)
    tell(f" ✓ Preparing nodes {'📦 ' * len(roles)}")
    if options.kubeconfig:
        options.kubeconfig.write_text(kubeconfig(f"kind-{options.name}"))
    tell(f'Set kubectl context to "kind-{options.name}"')


def pull(engine: Engine, image: str) -> None:
    step = f"Ensuring node image ({image.partition('@')[0]}) 🖼"
    tell(f" • {step}  ...")
    if image not in engine.images():
        if not PUBLISHED.fullmatch(image):
            tell(f" ✗ {step}")
            unknown = f"Error response from daemon: manifest for {image} not found: manifest unknown: manifest unknown"
            fail(f'failed to create cluster: failed to pull image "{image}"', f"docker pull {image}", unknown)
        engine.add_image(image)
    tell(f" ✓ {step}")


def roles_of(config: Path | None) -> list[str]:
    if config is None:
        return [CONTROL_PLANE]
    content = yaml.safe_load(config.read_text())
    if (content["kind"], content["apiVersion"]) != ("Cluster", "kind.x-k8s.io/v1alpha4"):
        fail(f"failed to create cluster: unknown kind {content['kind']} for apiVersion: {content['apiVersion']}")
    return [node["role"] for node in content["nodes"]]


def named(cluster: str, roles: Sequence[str]) -> list[tuple[str, str]]:
    """kind numbers the machines of a role, but for the first."""
    found: list[tuple[str, str]] = []
    for role in roles:
        number = sum(role == other for _, other in found) + 1
        found.append((f"{cluster}-{role}{number if number > 1 else ''}", role))
    return found


def kubeconfig(context: str) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": context,
            "clusters": [{"name": context, "cluster": {"server": os.environ[API]}}],
            "users": [{"name": context, "user": {"token": "of an admin"}}],
            "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
        }
    )


def delete(engine: Engine, options: argparse.Namespace) -> None:
    tell(f'Deleting cluster "{options.name}" ...')
    found = listed(
        engine, options.name, f'failed to delete cluster "{options.name}": error listing nodes: failed to list nodes'
    )
    if options.kubeconfig:
        options.kubeconfig.unlink(missing_ok=True)
    for each in found:
        engine.remove(each.name)
    if found:
        tell(f"Deleted nodes: {' '.join(quoted(each.name) for each in found).join('[]')}")


def quoted(name: str) -> str:
    return f'"{name}"'


def load_archive(engine: Engine, options: argparse.Namespace) -> None:
    for file in options.what:
        if not Path(file).exists():
            fail(f"stat {file}: no such file or directory")
    for file in options.what:
        import_into(engine, chosen(engine, options, "unknown node: {}"), file)


def load_image(engine: Engine, options: argparse.Namespace) -> None:
    images = engine.images() if engine.answers else {}
    for name in options.what:
        if name not in images:
            fail(f'image: "{name}" not present locally')
    for name in options.what:
        import_into(engine, chosen(engine, options, 'unknown node: "{}"'), images[name])


def chosen(engine: Engine, options: argparse.Namespace, unknown: str) -> list[Container]:
    by_name = {each.name: each for each in listed(engine, options.name)}
    if not by_name and CLUSTER not in os.environ:
        fail(f'no nodes found for cluster "{options.name}"')
    for name in options.nodes:
        if name not in by_name:
            fail(unknown.format(name))
    return [by_name[name] for name in options.nodes or by_name]


def import_into(engine: Engine, machines: Sequence[Container], archive: str) -> None:
    for machine in machines:
        try:
            inside = engine.ready_for_exec(machine.name)
        except DaemonError as error:
            command = f"docker exec --privileged {machine.name} containerd config dump"
            fail("failed to detect containerd snapshotter", command, f"Error response from daemon: {error}")
        inside.loaded.append(archive)
        engine.save(inside)
    if up := os.environ.get(CLUSTER):
        from tests import cluster  # noqa: PLC0415 - that takes longer than all else here

        cluster.get(up).load(archive)


def export_logs(engine: Engine, options: argparse.Namespace) -> None:
    tell(f'Exporting logs for cluster "{options.name}" to:')
    for machine in listed(engine, options.name):
        for name in ("kubelet.log", "containerd.log", f"pods/{COREDNS}/coredns/0.log"):
            file = options.folder / machine.name / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{name} of {machine.name}\n")
    print(options.folder)
