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


@pytest.mark.parametrize("module", layer("api"))
def test_the_resource_knows_nothing_of_what_is_made_of_it(module):
    assert ours(module) <= {"api", "errors"}


@pytest.mark.parametrize("module", layer("render"))
def test_rendering_knows_the_resource_only(module):
    assert ours(module) <= {"api", "render", "errors"}


@pytest.mark.parametrize("module", layer("mesh"))
def test_the_mesh_knows_nothing_of_kubernetes(module):
    assert ours(module) <= {"mesh"}


@pytest.mark.parametrize("module", layer("plugin"))
def test_the_plugin_is_a_program_of_its_own(module):
    assert ours(module) <= {"plugin"}


@pytest.mark.parametrize("module", layer("doctor"))
def test_the_doctor_belongs_to_the_plugin_and_knows_of_the_operator_only_why_pods_die(module):
    assert ours(module) <= {"doctor", "plugin", "control"}
    used = {name for name in imports(MODULES[module]) if name.startswith("elixircluster.control")}
    assert used <= {"elixircluster.control.diagnosis"}


@pytest.mark.parametrize("module", layer("api") + layer("render"))
def test_the_core_does_no_input_or_output_but_reading_templates(module):
    reads = {"pathlib"} if module in {"render/templates", "render/preview"} else set()
    used = {name.partition(".")[0] for name in imports(MODULES[module])} - reads
    assert not used & {*IMPURE, "os", "pathlib", "socket", "subprocess"}


PURE = [
    "mesh/links",
    "observe/conditions",
    "observe/status",
    "control/remedy",
    "control/rollout",
    "control/rotation",
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
    assert "kube" not in ours(module)


def test_events_are_decided_without_a_clock():
    assert not {name.partition(".")[0] for name in imports(MODULES["observe/events"])} & IMPURE


@pytest.mark.parametrize(("library", "only"), [("kopf", {"control/watches"}), ("kubernetes", {"kube"})])
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
