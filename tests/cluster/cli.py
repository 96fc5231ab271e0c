"""The command line: python -m tests.cluster …"""

from __future__ import annotations

from pathlib import Path

import click

from .embedded import Embedded


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A real Kubernetes to test on."""


@main.command()
@click.option("--name", default="test")
@click.option("--dns-ttl", default=30)
def up(name: str, dns_ttl: int) -> None:
    p = Embedded(name)
    p.up(dns_ttl)
    print(p.kubeconfig)


@main.command()
@click.option("--name", default="test")
def down(name: str) -> None:
    Embedded(name).down()


@main.command()
@click.option("--name", default="test")
@click.argument("archives", nargs=-1, type=click.Path(exists=True, path_type=Path))
def load(name: str, archives: tuple[Path, ...]) -> None:
    Embedded(name).load(archives)
