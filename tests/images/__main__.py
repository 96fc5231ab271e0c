"""`python -m tests.images build chat|chat-bookworm|operator|all`."""

import sys

import click

from . import IMAGES, archive
from .build import clean as forget_everything
from .steps import StepError, UnavailableError


@click.group()
def main() -> None:
    """Build the images that the tests and the demo run."""


@main.command()
@click.argument("name", type=click.Choice([*IMAGES, "all"]))
@click.option("--fresh", is_flag=True, help="Build even if nothing has changed.")
def build(name: str, fresh: bool) -> None:
    """Build NAME if its sources have changed, and print the path of its archive."""
    for image in IMAGES if name == "all" else [name]:
        try:
            click.echo(archive(image, fresh=fresh))
        except UnavailableError as why:
            click.echo(f"{image}: {why}", err=True)
        except StepError as error:
            sys.exit(f"{image}: {error}")


@main.command()
def clean() -> None:
    """Remove what is cached: archives, layers and the base images."""
    forget_everything()


@main.command("list")
def list_images() -> None:
    """Name the images, the Debian each is made from, and what they are called in a cluster."""
    for name, image in IMAGES.items():
        click.echo(f"{name:14} {image.suite!s:9} {image.reference}")


if __name__ == "__main__":
    main()
