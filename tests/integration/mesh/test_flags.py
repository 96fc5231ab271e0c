"""What the resource says of the virtual machine wins over the release, on a real one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from elixircluster.render.config import config_files
from elixircluster.render.vm import CLUSTER_CONFIG
from tests.unit.factory import cluster, variables

CONFIG = "-config /etc/elixircluster/libcluster"
ASKED = """
    [application:load(A) || A <- [sasl, mnesia]],
    Get = fun(A, K) -> case application:get_env(A, K) of {ok, V} -> V; _ -> none end end,
    io:format("~w ~w ~w ~w ~w ~w", [Get(kernel, shell_history), Get(kernel, net_ticktime), Get(stdlib, ours),
        Get(mnesia, dir), Get(mnesia, threshold), erlang:system_info(schedulers)]),
    halt().
"""
RELEASES = {
    "a flag each": (
        "-kernel shell_history disabled\n-kernel net_ticktime 60\n-stdlib ours no\n-mnesia dir old\n"
        "-mnesia threshold 1\n+S 4:4\n"
    ),
    "several parameters in a flag": (
        "-kernel shell_history disabled net_ticktime 60\n-stdlib ours no\n-mnesia threshold 1 dir old\n+S 4:4\n"
    ),
    "nothing": "",
}
SAID = ["-kernel", "shell_history", "enabled", "net_ticktime", "15", "-stdlib", "ours", "yes"]
SAID += ["-mnesia", "dir", "new", "threshold", "2", "+S", "2:2"]


def answered(tmp_path: Path, runtime: str, release: str) -> str:
    """What a machine says that is started as a release's script starts it, with the environment of a pod."""
    resource = cluster(runtime=runtime, vm={"args": SAID}, discovery={"strategy": "None"})
    said = {name: value for name, value in variables(resource).items() if name.endswith("FLAGS")}
    config = tmp_path / CLUSTER_CONFIG
    config.write_text(config_files(resource)[CLUSTER_CONFIG])
    said["ERL_FLAGS"] = said["ERL_FLAGS"].replace(CONFIG, f"-config {config.with_suffix('')}")
    if runtime == "Erl":
        said["ERL_AFLAGS"] = said["ERL_AFLAGS"].replace("-name $(ERLANG_NODE) -setcookie $(ERLANG_COOKIE)", "")
    (tmp_path / "vm.args").write_text(release)
    command = ["erl", "-noinput", "-args_file", str(tmp_path / "vm.args"), "-eval", ASKED]
    environment = {**os.environ, **said, "HOME": str(tmp_path), "ERL_CRASH_DUMP": "/dev/null"}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.parametrize("runtime", ["Mix", "Relx", "Erl"])
@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_the_resource_wins_over_the_releases_vm_args(tmp_path, runtime, release):
    """Of -application key value the first one counts, of -kernel either: a release's vm.args won over spec.vm.args."""
    assert answered(tmp_path, runtime, release) == "enabled 15 yes new 2 2"
