"""The command line: `run`, `render`, `crd`, `plugin`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import click
import yaml

from elixircluster import __version__
from elixircluster.plugin.cli import main as plugin


@click.group(context_settings={"auto_envvar_prefix": "ELIXIRCLUSTER", "help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Run Elixir, Erlang and Gleam releases as BEAM clusters on Kubernetes."""


@main.command()
@click.option("--namespace", "namespaces", multiple=True, help="Watch this namespace only; several times for several.")
@click.option("--lease-namespace", envvar=["ELIXIRCLUSTER_LEASE_NAMESPACE", "POD_NAMESPACE"], default="default")
@click.option(
    "--operator-namespace",
    envvar=["ELIXIRCLUSTER_OPERATOR_NAMESPACE", "POD_NAMESPACE"],
    default="elixircluster-system",
    show_default=True,
    help="Where the operator itself runs: its pods are let in to the nodes.",
)
@click.option("--lease-name", default="elixircluster", show_default=True)
@click.option("--metrics-port", default=8080, show_default=True)
@click.option("--health-port", default=8081, show_default=True)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="Resources that are reconciled at once.",
)
@click.option("--log-format", type=click.Choice(["json", "text"]), default="json", show_default=True)
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
@click.option("--templates", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Your templates.")
@click.option(
    "--resync-seconds",
    type=click.FloatRange(min=10),
    default=600.0,
    show_default=True,
    help="How often everything is seen anew, and each resource looked at.",
)
def run(log_format: str, log_level: str, **options: Any) -> None:
    """Run the operator."""
    from elixircluster.control.process import Settings  # noqa: PLC0415 - kopf takes 0.5 s to load
    from elixircluster.control.process import run as run_operator  # noqa: PLC0415
    from elixircluster.telemetry.log import configure  # noqa: PLC0415

    configure(log_format, log_level)
    sys.exit(asyncio.run(run_operator(Settings(**options))))


@main.command()
@click.option("-f", "--filename", type=click.File(), required=True, help="ElixirClusters; - for standard input.")
@click.option("--values", "values", type=click.File(), multiple=True, help="YAML laid over the resource's spec.")
@click.option("--set", "settings", multiple=True, metavar="A.B=C", help="One value of the spec.")
@click.option("--templates", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Your templates.")
def render(filename: Any, values: Any, settings: tuple[str, ...], templates: Path | None) -> None:
    """Print what the operator would apply, with no cluster.

    What kubectl apply would refuse is refused here. Secrets that the operator makes are shown as <generated>; other
    kinds in the file are printed as they are.
    """
    from elixircluster.control.apply import owned  # noqa: PLC0415 - it loads a client of Kubernetes
    from elixircluster.errors import Stalled  # noqa: PLC0415
    from elixircluster.render.preview import preview  # noqa: PLC0415

    try:
        objects = preview(filename.read(), [item.read() for item in values], settings, templates, owned)
    except (Stalled, ValueError) as error:
        raise click.ClickException(str(error)) from None
    yaml.safe_dump_all(objects, sys.stdout, sort_keys=False, allow_unicode=True, width=110)


@main.command()
def crd() -> None:
    """Print the CustomResourceDefinition."""
    from elixircluster.api.crd import crd as definition  # noqa: PLC0415

    yaml.safe_dump(definition(), sys.stdout, sort_keys=False, width=110)


main.add_command(plugin, "plugin")
