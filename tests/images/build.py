"""From an image's name to an archive of it, built only when its sources have changed."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from . import buildah, docker
from .catalogue import IMAGES, Image
from .steps import StepError, UnavailableError

KEPT = 3

# What apt says where packages are not there or do not fit each other, and the engine where there is no such image.
NO_PACKAGES = re.compile(r"^E: .*|^.*failed to resolve source metadata.*", re.MULTILINE)


def archive(name: str, *, fresh: bool = False) -> Path:
    """The path of an archive of the image that `docker load` and `ctr images import` understand."""
    return archive_of(name, IMAGES[name], fresh=fresh)


def archive_of(name: str, image: Image, *, fresh: bool = False) -> Path:
    """The same of an image that is not in the catalogue; `name` is how its archive is called."""
    folder = cache()
    path = _path(folder, name, image)
    if path.exists() and not fresh:
        path.touch()
        return path
    with alone(folder / "lock"), tempfile.TemporaryDirectory(prefix="elixircluster-") as context:
        # from here on the copy counts: somebody may be editing the sources
        staged = image.staged(Path(context))
        path = _path(folder, name, staged)
        if fresh or not path.exists():
            _build(staged, path)
            _forget(folder, name)
    return path


def cache() -> Path:
    """Where archives, and what makes the next build quick, are kept."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(home) / "elixircluster" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def clean() -> None:
    """Forget every archive, root and layer, the base images too: the next build asks for the newest packages."""
    folder = cache()
    with alone(folder / "lock"):
        for name in IMAGES:
            _forget(folder, name, keep=0)
        buildah.clean(_store(folder))
        shutil.rmtree(folder / "roots", ignore_errors=True)


def _build(image: Image, path: Path) -> None:
    """Build beside the final name: an archive is there whole or not at all."""
    unfinished = path.with_suffix(".part")
    unfinished.unlink(missing_ok=True)
    try:
        if docker.answers():
            docker.build(image, unfinished)
        else:
            buildah.build(image, unfinished, _store(path.parent))
    except StepError as error:
        if image.suite.moves and (why := NO_PACKAGES.search(str(error))):
            raise UnavailableError(f"Debian {image.suite} cannot be had today: {why[0]}") from error
        raise
    unfinished.rename(path)


def _path(folder: Path, name: str, image: Image) -> Path:
    return folder / f"{name}-{image.digest()}.tar"


def _store(folder: Path) -> Path:
    return folder / "buildah"


def _forget(folder: Path, name: str, keep: int = KEPT) -> None:
    """Keep the newest archives of an image: a branch or two can share the cache."""
    # the digest has no dash in it, so that chat-* is not chat-v2-*
    archives = [path for path in folder.glob(f"{name}-*.tar") if "-" not in path.stem[len(name) + 1 :]]
    newest_first = sorted(archives, key=lambda path: path.stat().st_mtime, reverse=True)
    for path in newest_first[keep:]:
        path.unlink(missing_ok=True)


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """One build at a time on this machine; a second one waits, and then finds the first one's result."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
