"""Image archives made without Docker, for the few images that the cluster itself brings."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from .build import cache
from .layout import PAUSE_IMAGE, SOURCES

BUSYBOX_IMAGE = "localhost/busybox:test"

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_APPLETS = (
    "sh cat cp dd echo env false grep head hostname httpd id kill ls mkdir mv nc nslookup ping ps rm sed "
    "sleep stat tail tee test timeout touch true vi wc wget"
)


def pause() -> Path:
    """The sandbox's image: one program that waits and reaps."""
    source = SOURCES / "pause.c"
    target = _target("pause", source.read_bytes())
    if not target.exists():
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            subprocess.run(["cc", "-static", "-Os", "-s", "-o", root / "pause", source], check=True)
            write_archive(PAUSE_IMAGE, root, target, ["/pause"])
    return target


def busybox() -> Path:
    """A shell with nc, wget and httpd: enough to be a client or a server in a test."""
    program = shutil.which("busybox")
    if program is None:
        raise FileNotFoundError("busybox: install busybox-static")
    target = _target("busybox", Path(program).read_bytes()[:1_000_000] + _APPLETS.encode())
    if not target.exists():
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "bin").mkdir()
            (root / "tmp").mkdir(mode=0o777)
            shutil.copy(program, root / "bin/busybox")
            for applet in _APPLETS.split():
                (root / "bin" / applet).symlink_to("busybox")
            (root / "etc").mkdir()
            (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
            write_archive(BUSYBOX_IMAGE, root, target, ["/bin/sh"])
    return target


def write_archive(name: str, root: Path, target: Path, command: list[str]) -> None:
    """Write a docker archive of one layer: what `docker save` would print."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        layer.add(root, arcname="", filter=_owned_by_root)
    blob = buffer.getvalue()
    digest = hashlib.sha256(blob).hexdigest()
    config = json.dumps(
        {
            "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "config": {"Cmd": command, "Env": ["PATH=/bin:/usr/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
    ).encode()
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [name], "Layers": [f"{digest}.tar"]}]).encode()
    # Written aside and renamed, so that nobody loads half an archive.
    partial = target.with_suffix(f".{os.getpid()}.part")
    partial.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(partial, "w") as archive:
        for file, content in ((config_name, config), (f"{digest}.tar", blob), ("manifest.json", manifest)):
            info = tarfile.TarInfo(file)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    partial.rename(target)


def _owned_by_root(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mtime = 0
    return info


def _target(name: str, content: bytes) -> Path:
    return cache().parent / "images" / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}.tar"
