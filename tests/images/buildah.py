"""Building without a Docker engine, and without a registry: buildah, on a base made from Debian's packages.

The Dockerfiles are ordinary ones. Their `FROM debian:trixie-slim` is found in buildah's own storage, where
`base.ensure` has put a stand-in; RUN steps run in a plain chroot, so no container runtime is needed.
"""

from __future__ import annotations

import os
import shutil
from configparser import ConfigParser
from pathlib import Path

from tests.cluster import packages

from . import base
from .catalogue import Image
from .steps import StepError, output, run

NEEDED = {"buildah": "buildah", "mmdebstrap": "mmdebstrap", base.KEYRING: "debian-archive-keyring"}

# Whom this machine trusts: a proxy between here and the package servers may have a certificate of its own.
# Mounted where no package of the image wants to write, and for the build only.
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
CERTIFICATES_IN_BUILD = "/run/elixircluster-build/certificates.crt"
PIP_SETTINGS = Path("/etc/pip.conf")


def build(image: Image, archive: Path, store: Path) -> None:
    """Build the image and save it."""
    _ensure_tools()
    environment = _storage(store)
    base.ensure(image.suite, store, environment)
    run(
        f"buildah bud {image.reference}",
        [
            *("buildah", "bud", "--pull=never", "--isolation=chroot", "--layers"),
            *_mounts(store),
            *(f"--build-arg={key}={value}" for key, value in image.settings.items()),
            *("--file", image.context / image.dockerfile, "--tag", image.reference, image.context),
        ],
        **environment,
    )
    # named in full: the kubelet looks for docker.io/library/… when a pod says chat:1.0.0
    run(
        f"buildah push {image.reference}",
        ["buildah", "push", image.reference, f"docker-archive:{archive}:{image.reference}"],
        **environment,
    )


def clean(store: Path) -> None:
    """Remove the layers and the base images."""
    # buildah leaves its overlay mounted on itself, and a mount cannot be removed
    output(["umount", store / "graph" / "overlay"])
    if store.exists():
        shutil.rmtree(store)


def _ensure_tools() -> None:
    if os.geteuid() != 0:
        raise StepError("no Docker engine answers, and building without one needs root")
    try:
        packages.ensure(NEEDED)
    except packages.MissingPackagesError as error:
        raise StepError(f"no Docker engine answers; install one, or let this be: {error}") from error


def _storage(store: Path) -> dict[str, str]:
    """Buildah's layers, kept apart from those of anybody else on this machine."""
    temporary = store / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    settings = store / "storage.conf"
    settings.write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{store / "graph"}"\nrunroot = "{store / "run"}"\n'
    )
    return {"CONTAINERS_STORAGE_CONF": str(settings), "TMPDIR": str(temporary)}


def _mounts(store: Path) -> list[str]:
    pip_cache = store / "pip"
    pip_cache.mkdir(parents=True, exist_ok=True)
    mounts = {pip_cache: "/root/.cache/pip", _pip_settings(store): f"{PIP_SETTINGS}:ro"}
    if CERTIFICATES.exists():
        mounts[CERTIFICATES] = f"{CERTIFICATES_IN_BUILD}:ro"
    return [f"--volume={source}:{target}" for source, target in mounts.items()]


def _pip_settings(store: Path) -> Path:
    """This machine's settings of pip, with the certificates where the build sees them."""
    settings = ConfigParser(interpolation=None)
    settings.read(PIP_SETTINGS)
    if not settings.has_section("global"):
        settings.add_section("global")
    if CERTIFICATES.exists():
        settings["global"]["cert"] = CERTIFICATES_IN_BUILD
    if index := os.environ.get("PIP_INDEX_URL"):
        settings["global"]["index-url"] = index
    path = store / "pip.conf"
    with path.open("w") as file:
        settings.write(file)
    return path
