"""Elixir's build tool, with Phoenix's generators."""

from __future__ import annotations

import argparse
import secrets
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.images import IMAGES

from . import REPOSITORY

STOREFRONT = IMAGES["storefront"]
SHOP = REPOSITORY / "tests" / "e2e" / "shop"
OF_THE_RELEASE = ("rel", "Dockerfile")


def main(words: Sequence[str]) -> None:
    top = argparse.ArgumentParser("mix", allow_abbrev=False)
    commands = top.add_subparsers(dest="task", required=True)
    new = commands.add_parser("phx.new")
    new.add_argument("name", choices=["shop"])
    new.add_argument("--install", action="store_true", required=True)
    commands.add_parser("phx.gen.release").add_argument("--docker", action="store_true", required=True)
    commands.add_parser("phx.gen.secret")
    options = top.parse_args(words)
    if options.task == "phx.new":
        generate(options.name)
    elif options.task == "phx.gen.release":
        write(Path(), Path.cwd().name, lambda part: part in OF_THE_RELEASE)
        shutil.copytree(SHOP, Path(), dirs_exist_ok=True)
    else:
        print(secrets.token_urlsafe(48))


def generate(name: str) -> None:
    write(Path(name), name, lambda part: part not in OF_THE_RELEASE)
    # As with Ecto, whose configuration Phoenix writes too.
    with (Path(name) / "config" / "runtime.exs").open("a") as file:
        file.write('\nif config_env() == :prod, do: System.fetch_env!("DATABASE_URL")\n')


def write(target: Path, name: str, wanted: Callable[[str], bool]) -> None:
    """The wanted parts of the storefront, under another name."""

    def renamed(text: str) -> str:
        return text.replace("storefront", name).replace("Storefront", name.capitalize())

    for file in STOREFRONT.files():
        path = file.relative_to(STOREFRONT.context)
        if wanted(path.parts[0]):
            copy = target / renamed(str(path))
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(renamed(file.read_text()))
            copy.chmod(file.stat().st_mode)
