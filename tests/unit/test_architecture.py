"""The layers of the house: who may import whom, and what the wheel holds."""

from __future__ import annotations

import ast
import operator
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "operator" / "elixircluster"
IMPURE = {"asyncio", "aiohttp", "kopf", "kubernetes", "time", "datetime", "random", "logging"}
MODULES = {path.relative_to(PACKAGE).with_suffix("").as_posix(): path for path in PACKAGE.rglob("*.py")}


def imports(path: Path) -> Iterator[str]:
    """Everything that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield str(node.module)


def layer(name: str) -> list[str]:
    return [module for module in MODULES if module.startswith(f"{name}/")]


def ours(module: str) -> set[str]:
    """The parts of the package that a module imports: `api`, `render`, `errors` …"""
    names = [name for name in imports(MODULES[module]) if name.startswith("elixircluster")]
    return {name.removeprefix("elixircluster").lstrip(".").partition(".")[0] for name in names}


LAYERS = {
    "errors": (set(), "the ways in which a reconcile does not finish"),
    "text": (set(), "values as text"),
    "untrusted": (set(), "what comes from outside, as it may be shown"),
    "telemetry": (set(), "metrics, logs, health: below everything"),
    "api": ({"errors"}, "the resource in pydantic models and its rules; CRD and reference page come from them"),
    "render": ({"api", "errors", "text"}, "resource → context → templates → objects. Pure"),
    "mesh": ({"untrusted"}, "the distribution protocol as a client, the view of a mesh, healing. Knows no Kubernetes"),
    "kube": ({"api", "text", "telemetry"}, "the Kubernetes API, and a row for each kind that a resource owns"),
    "observed": (
        {"api", "render", "kube", "errors", "text", "untrusted"},
        "what was seen: store (versions, owner index), pod, workload, child, references, diagnosis, complaints",
    ),
    "phase": ({"api", "observed", "errors"}, "what a phase of the reconcile is given, and what it answers"),
    "rollout": ({"api", "render", "mesh", "observed", "phase", "errors"}, "plans, strategies, gates: changes, pure"),
    "certificates": (
        {"api", "render", "kube", "observed", "errors", "phase", "telemetry"},
        "TLS between nodes: issue, judge, renew",
    ),
    "migration": (
        {"api", "render", "kube", "observed", "errors", "phase"},
        "what a release does once for an image before its nodes start: decision, Jobs",
    ),
    "meshes": (
        {"api", "render", "mesh", "kube", "observed", "errors", "telemetry"},
        "every mesh, looked at and healed: scheduler, healer, dialler",
    ),
    "cookie": (
        {"api", "render", "mesh", "kube", "observed", "meshes", "errors", "phase", "telemetry"},
        "the cookie's Secret, and another cookie for running nodes",
    ),
    "status": (
        {"api", "render", "mesh", "kube", "observed", "rollout", "migration", "errors", "phase", "telemetry"},
        "conditions and status, pure; the one writer of status and Events",
    ),
    "control": (
        {
            "api", "render", "mesh", "kube", "observed", "rollout", "certificates", "migration", "meshes",
            "cookie", "status", "phase", "errors", "telemetry", "text",
        },
        "the process: leader, queue, workers, watches; reconcile is the list of phases",
    ),
    "plugin": (set(), "`kubectl elixir`: a program of its own, which does all by the user's kubectl"),
    "doctor": ({"plugin", "observed"}, "why nodes do not connect: facts by kubectl, then checks as pure functions"),
    "cli": ({"api", "render", "control", "plugin", "telemetry", "errors"}, "the operator's command line"),
    "__main__": ({"cli"}, "`python -m elixircluster`"),
}  # fmt: skip
"""Each room: the rooms that it may import beside itself, and what it is. `docs/architecture.md` holds this table."""


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_only_what_lies_below_it(module):
    room = module.partition("/")[0]
    if room != "__init__":
        assert ours(module) <= {room, *LAYERS[room][0], ""}


def test_the_rooms_are_in_order():
    above: set[str] = set()
    for room in reversed(LAYERS):
        assert not LAYERS[room][0] & above, f"{room} imports upwards"
        above.add(room)


def test_the_document_holds_the_same_table():
    text = (ROOT / "docs" / "architecture.md").read_text()
    for room, (below, what) in LAYERS.items():
        row = f"| `{room}` | {what} | {', '.join(f'`{name}`' for name in LAYERS if name in below) or '–'} |"
        assert row in text, row


@pytest.mark.parametrize("module", layer("doctor"))
def test_the_doctor_knows_of_the_operator_only_what_pods_say_of_themselves(module):
    used = {name for name in imports(MODULES[module]) if name.startswith("elixircluster.observed")}
    assert used <= {f"elixircluster.observed.{name}" for name in ("containers", "diagnosis", "events", "machine")}


@pytest.mark.parametrize("module", layer("api") + layer("render"))
def test_the_core_does_no_input_or_output_but_reading_templates(module):
    reads = {"pathlib"} if module in {"render/templates", "render/preview"} else set()
    used = {name.partition(".")[0] for name in imports(MODULES[module])} - reads
    assert not used & {*IMPURE, "os", "pathlib", "socket", "subprocess"}


PURE = [
    *layer("rollout"),
    "migration/decision",
    "observed/job",
    "observed/child",
    "observed/complaints",
    "observed/containers",
    "observed/diagnosis",
    "observed/events",
    "observed/ownership",
    "observed/pod",
    "observed/references",
    "observed/snapshot",
    "observed/words",
    "observed/workload",
    "status/conditions",
    "status/document",
    "cookie/decision",
    "cookie/keyring",
    "meshes/members",
    "meshes/schedule",
    "mesh/graph",
    "mesh/links",
    "mesh/view",
    "mesh/heal",
    "mesh/terms",
    "mesh/external",
    "doctor/finding",
    "doctor/policies",
]


@pytest.mark.parametrize("module", PURE)
def test_a_decision_is_a_function_without_a_clock(module):
    assert not {name.partition(".")[0] for name in imports(MODULES[module])} & IMPURE
    assert not {
        name for name in imports(MODULES[module]) if name == "elixircluster.kube.api" and module.startswith("rollout")
    }


def test_events_are_decided_without_a_clock():
    assert not {name.partition(".")[0] for name in imports(MODULES["status/events"])} & IMPURE


@pytest.mark.parametrize(("library", "only"), [("kopf", {"control/watches"}), ("kubernetes", {"kube/api"})])
def test_a_library_is_known_to_one_module(library, only):
    users = {name for name, path in MODULES.items() if library in {used.partition(".")[0] for used in imports(path)}}
    assert users == only


def test_nobody_imports_the_command_line():
    users = {module for module in MODULES if "cli" in ours(module)}
    assert users == {"__main__"}


def test_the_source_root_does_not_hide_the_standard_library():
    assert not (ROOT / "operator" / "__init__.py").exists()
    assert Path(operator.__file__).parent == Path(sysconfig.get_paths()["stdlib"])


def test_render_needs_neither_kopf_nor_a_client():
    code = "import sys; import elixircluster.render.preview; print('kopf' in sys.modules, 'kubernetes' in sys.modules)"
    environment = {"PYTHONPATH": str(ROOT / "operator")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names in the wheel that is built from this folder."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        return archive.namelist()


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    assert {name.partition("/")[0].partition("-")[0] for name in wheel} == {"elixircluster"}
    assert {f"elixircluster/{module}.py" for module in MODULES} <= set(wheel)
    assert not [name for name in wheel if "test" in name or "__pycache__" in name]


@pytest.mark.parametrize("folder", ["templates", "crds"])
def test_the_wheel_holds_what_the_operator_reads(wheel, folder):
    files = [path.name for path in (ROOT / folder).iterdir() if path.is_file()]
    assert files
    assert {f"elixircluster/{folder}/{name}" for name in files} <= set(wheel)


def test_the_wheel_holds_what_the_doctor_hands_to_pods(wheel):
    assert {f"elixircluster/doctor/{name}" for name in ("probe.sh", "probe.erl", "stranger.sh")} <= set(wheel)
