"""The files of an image in a folder, to run its programs on this machine: an Erlang of any Debian.

They see this machine's network, processes and temporary files, by the same paths, and nothing else of it. What a
program mounts for that ends with it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from .build import alone, archive
from .catalogue import named
from .suites import USUAL, Suite

ERLANG = "reef"
"""The image with an Erlang in it, and no more than that."""
PROGRAMS = ("erl", "erlc", "epmd")
INSIDE = """\
#!/bin/sh
# The program becomes this process, as with exec.
[ "$(id -u)" = 0 ] || alone=--map-root-user
exec unshare --mount $alone sh -c '
  root=$1 temporary=$2 here=$3; shift 3
  for folder in /dev /proc "$temporary"; do
    mkdir -p "$root$folder" && mount --rbind "$folder" "$root$folder" || exit
  done
  exec chroot "$root" env PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c '\\''cd "$0" 2>/dev/null; exec "$@"'\\'' "$here" "$@"
' sh "$(dirname "$0")/root" "${TMPDIR:-/tmp}" "$PWD" "$@"
"""
REMOVED = ".wh."
"""What begins the name of a file that a layer says is there no more."""


def erlang(suite: Suite = USUAL) -> Path:
    """A folder to have in PATH, with the Erlang of a Debian."""
    return unpacked(named(ERLANG, suite)) / "bin"


def inside(suite: Suite = USUAL) -> Path:
    """The program that runs another one where that Erlang is."""
    return unpacked(named(ERLANG, suite)) / "inside"


def unpacked(name: str) -> Path:
    """The folder of an image of the catalogue; it is there as long as the archive."""
    path = archive(name)
    folder = path.parent / "roots" / path.stem
    with alone(path.parent / "roots.lock"):
        if not folder.exists():
            folder.parent.mkdir(exist_ok=True)
            for left in folder.parent.iterdir():
                if not path.with_name(f"{left.name}.tar").exists():
                    shutil.rmtree(left)
            unfinished = folder.with_suffix(".part")
            unpack(path, unfinished / "root")
            _add_programs(unfinished)
            unfinished.rename(folder)
    return folder


def _add_programs(folder: Path) -> None:
    (folder / "bin").mkdir()
    scripts = {f"bin/{name}": f'#!/bin/sh\nexec "$(dirname "$0")/../inside" {name} "$@"\n' for name in PROGRAMS}
    for name, text in {"inside": INSIDE, **scripts}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)


def unpack(path: Path, root: Path) -> None:
    """Every layer over those below it, without devices."""
    root.mkdir(parents=True)
    with tarfile.open(path) as archive, tempfile.TemporaryDirectory() as temporary:
        archive.extractall(temporary, filter="data")
        [manifest] = json.loads((Path(temporary) / "manifest.json").read_text())
        for name in manifest["Layers"]:
            layer = Path(temporary) / name
            _remove(layer, root)
            kept = ("--exclude=dev/*", "--exclude=./dev/*", f"--exclude={REMOVED}*", "--keep-directory-symlink")
            subprocess.run(["tar", "--extract", *kept, "--file", layer, "--directory", root], check=True)


def _remove(layer: Path, root: Path) -> None:
    """What this layer has removed of those below."""
    with tarfile.open(layer) as files:
        removed = [root / name for name in files.getnames() if Path(name).name.startswith(REMOVED)]
    for place in removed:
        if place.name == f"{REMOVED}{REMOVED}.opq":
            shutil.rmtree(place.parent, ignore_errors=True)
            continue
        gone = place.with_name(place.name.removeprefix(REMOVED))
        if gone.is_dir() and not gone.is_symlink():
            shutil.rmtree(gone)
        else:
            gone.unlink(missing_ok=True)
