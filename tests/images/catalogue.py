"""What there is to build, and what each image is made from."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NEVER = {"__pycache__", "_build", "deps", "doc", ".git", ".elixir_ls"}


@dataclass(frozen=True)
class Image:
    """An image: the name pods use, its Dockerfile, and the files that the Dockerfile copies."""

    reference: str
    context: Path
    inputs: tuple[str, ...]
    dockerfile: str = "Dockerfile"
    arguments: dict[str, str] = field(default_factory=dict)

    def files(self) -> Iterator[Path]:
        """Every input, in order. An input that is not there is left to the Dockerfile to miss."""
        for name in sorted({*self.inputs, self.dockerfile}):
            path = self.context / name
            found = [path] if path.is_file() else sorted(path.rglob("*"))
            yield from (file for file in found if file.is_file() and not NEVER & set(file.parts))

    def digest(self) -> str:
        """Changes whenever the image would."""
        settings = self.reference, self.dockerfile, sorted(self.arguments.items())
        sums = hashlib.sha256(repr(settings).encode())
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


def _chat(version: str) -> Image:
    return Image(
        reference=f"docker.io/library/chat:{version}",
        context=ROOT / "examples" / "chat",
        inputs=("mix.exs", "config", "lib"),
        arguments={"VERSION": version},
    )


def _erlang(name: str, *inputs: str) -> Image:
    return Image(reference=f"docker.io/library/{name}:1.0.0", context=ROOT / "examples" / name, inputs=("src", *inputs))


IMAGES = {
    "chat": _chat("1.0.0"),
    "chat-v2": _chat("2.0.0"),
    # A release that names its node itself, as fly.io's template has it.
    "chat-fly": Image(
        reference="docker.io/library/chat-fly:1.0.0",
        context=ROOT,
        inputs=(*(f"examples/chat/{part}" for part in ("mix.exs", "config", "lib")), "tests/matrix/fly/rel"),
        dockerfile="tests/matrix/fly/Dockerfile",
    ),
    "pond": _erlang("pond", "rebar.config"),
    "tide": _erlang("tide", "entrypoint.sh"),
    "reef": _erlang("reef"),
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
        dockerfile="deploy/Dockerfile",
    ),
}
