"""From an image's name to an archive of it, built only when its sources have changed."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import buildah, docker
from .catalogue import IMAGES, Image

KEPT = 3


def archive(name: str, *, fresh: bool = False) -> Path:
    """The path of an archive of the image that `docker load` and `ctr images import` understand."""
    image, folder = IMAGES[name], cache()
    path = folder / f"{name}-{image.digest()}.tar"
    if path.exists() and not fresh:
        path.touch()
        return path
    with _alone(folder / "lock"):
        if fresh or not path.exists():
            _build(image, path)
            _forget(folder, name)
    return path


def cache() -> Path:
    """Where archives, and what makes the next build quick, are kept."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(home) / "elixircluster" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _build(image: Image, path: Path) -> None:
    """Build beside the final name: an archive is there whole or not at all."""
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="elixircluster-") as context:
        image.stage(Path(context))
        if docker.answers():
            docker.build(image, Path(context), unfinished)
        else:
            buildah.build(image, Path(context), unfinished, store=path.parent / "buildah")
    unfinished.rename(path)


def _forget(folder: Path, name: str) -> None:
    """Keep the newest archives of an image: a branch or two can share the cache."""
    # the digest has no dash in it, so that chat-* is not chat-v2-*
    archives = [path for path in folder.glob(f"{name}-*.tar") if "-" not in path.stem[len(name) + 1 :]]
    for path in sorted(archives, key=lambda path: path.stat().st_mtime)[:-KEPT]:
        path.unlink(missing_ok=True)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One build at a time on this machine; a second one waits, and then finds the first one's result."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
