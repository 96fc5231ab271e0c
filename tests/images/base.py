"""Stand-ins for docker.io/library/debian:<suite>-slim, made from Debian's packages by mmdebstrap."""

from __future__ import annotations

import re
import shutil
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from .steps import output, run
from .suites import ARCHIVE, SECURITY, Suite

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# As in the official image, so that RUN apt-get leaves no caches in a layer.
APT_CLEAN = b"""\
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb || true"; };
APT::Update::Post-Invoke { "rm -f /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::GzipIndexes "true";
Acquire::Languages "none";
"""
UNWANTED = ("man", "doc", "locale", "info", "lintian")


def ensure(suite: Suite, store: Path, environment: dict[str, str]) -> None:
    """Make the base image unless it is there."""
    if output(["buildah", "images", "--quiet", suite.reference], **environment):
        return
    with tempfile.TemporaryDirectory(dir=store) as folder:
        tar = Path(folder) / "base.tar"
        _bootstrap(suite, tar, environment)
        _add(tar, "./etc/apt/apt.conf.d/docker-clean", APT_CLEAN)
        dockerfile = Path(folder) / "Dockerfile"
        dockerfile.write_text(f'FROM scratch\nADD base.tar /\nENV PATH={PATH}\nCMD ["bash"]\n')
        run(f"buildah bud {suite.reference}", ["buildah", "bud", "--tag", suite.reference, folder], **environment)


def _bootstrap(suite: Suite, tar: Path, environment: dict[str, str]) -> None:
    sources = tar.with_name(f"{suite}.sources")
    sources.write_text(suite.sources(_place("debian", ARCHIVE), _place("debian-security", SECURITY), KEYRING))
    # dpkg calls fsync after every file: in memory it takes half the time
    memory = {"TMPDIR": "/dev/shm"} if _free("/dev/shm") > 1 << 30 else {}
    run(
        f"mmdebstrap {suite}",
        [
            *("mmdebstrap", "--variant=minbase", "--mode=root"),
            # without these two apt picks `usrmerge`, and with it all of perl
            *("--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr", "--include=usr-is-merged"),
            *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in UNWANTED),
            '--customize-hook=rm -f "$1"/etc/hostname "$1"/etc/resolv.conf',
            *(suite.name, tar, sources),
        ],
        **(environment | memory),
    )


def _place(name: str, official: str) -> str:
    """Where this machine has such packages from, if it is a Debian; the official place else."""
    lists = (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list"))
    text = "\n".join(path.read_text() for path in lists if path.exists())
    found = re.search(rf"^[^#\n]*?(https?://\S+/{name})/?\s", text, re.MULTILINE)
    return found[1] if found else official


def _free(folder: str) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def _add(tar: Path, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    with tarfile.open(tar, "a") as archive:
        archive.addfile(entry, BytesIO(content))
