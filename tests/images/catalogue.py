"""What there is to build, and what each image is made from."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from .suites import BOOKWORM, SUITES, USUAL, Suite

ROOT = Path(__file__).resolve().parents[2]
NEVER = {"__pycache__", "_build", "deps", "doc", ".git", ".elixir_ls"}


@dataclass(frozen=True)
class Image:
    """An image: the name pods use, its Dockerfile, the files that this copies, and the Debian that it is made from.

    A Dockerfile says `ARG DEBIAN` and `FROM debian:${DEBIAN}-slim`.
    """

    reference: str
    context: Path
    inputs: tuple[str, ...]
    suite: Suite = USUAL
    dockerfile: str = "Dockerfile"
    arguments: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> dict[str, str]:
        """Every argument that the Dockerfile is given."""
        return {"DEBIAN": self.suite.name, **self.arguments}

    def on(self, suite: Suite) -> Image:
        """The same, made from another Debian; its tag says so."""
        return replace(self, reference=f"{self.reference}-{suite}", suite=suite)

    def files(self) -> Iterator[Path]:
        """Every input, in order. An input that is not there is left to the Dockerfile to miss."""
        for name in sorted({*self.inputs, self.dockerfile}):
            path = self.context / name
            found = [path] if path.is_file() else sorted(path.rglob("*"))
            yield from (file for file in found if file.is_file() and not NEVER & set(file.parts))

    def digest(self) -> str:
        """Changes whenever the image would."""
        made = self.reference, self.dockerfile, sorted(self.settings.items())
        sums = hashlib.sha256(repr(made).encode())
        for file in self.files():
            mode = "x" if file.stat().st_mode & 0o100 else "-"
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            sums.update(f"{file.relative_to(self.context)} {mode} {content}\n".encode())
        return sums.hexdigest()[:16]

    def staged(self, folder: Path) -> Image:
        """The same image, made from copies of its inputs in a folder that holds nothing else."""
        for file in self.files():
            target = folder / file.relative_to(self.context)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, target)
        return replace(self, context=folder)


def _example(name: str, *inputs: str, version: str = "1.0.0", **arguments: str) -> Image:
    return Image(f"docker.io/library/{name}:{version}", ROOT / "examples" / name, inputs, arguments=arguments)


def _chat(version: str) -> Image:
    return _example("chat", "mix.exs", "config", "lib", version=version, VERSION=version)


def _storefront(version: str) -> Image:
    return Image(
        reference=f"docker.io/library/storefront:{version}",
        context=ROOT / "tests" / "applications" / "storefront",
        inputs=("mix.exs", "config", "lib", "rel", "test"),
        arguments={"VERSION": version},
    )


RELEASES = {
    "chat": _chat("1.0.0"),
    "pond": _example("pond", "src", "rebar.config"),
    "tide": _example("tide", "src", "entrypoint.sh"),
    "reef": _example("reef", "src"),
}
"""The examples: one of each runtime."""

STOREFRONT = {"storefront": _storefront("1.0.0")}
"""What people run: a release that behaves as one of Phoenix."""


def named(release: str, suite: Suite) -> str:
    """What an example that is made from a Debian is called in the catalogue."""
    return release if suite == USUAL else f"{release}-{suite}"


IMAGES = {
    **RELEASES,
    **STOREFRONT,
    "storefront-v2": _storefront("2.0.0"),
    "chat-v2": _chat("2.0.0"),
    # A release that names its node itself, as fly.io's template has it.
    "chat-fly": Image(
        reference="docker.io/library/chat-fly:1.0.0",
        context=ROOT,
        inputs=(*(f"examples/chat/{part}" for part in ("mix.exs", "config", "lib")), "tests/matrix/fly/rel"),
        dockerfile="tests/matrix/fly/Dockerfile",
    ),
    "operator": Image(
        reference="docker.io/library/elixircluster:dev",
        context=ROOT,
        inputs=(
            "pyproject.toml",
            "README.md",
            "LICENSE",
            "requirements.lock",
            "requirements-dev.lock",
            "operator",
            "templates",
            "crds",
        ),
        suite=BOOKWORM,
        dockerfile="deploy/Dockerfile",
    ),
    # The same with today's other runtimes: chat-bookworm is docker.io/library/chat:1.0.0-bookworm.
    **{
        named(name, suite): image.on(suite)
        for suite in SUITES
        if suite != USUAL
        for name, image in (RELEASES | STOREFRONT).items()
    },
}
