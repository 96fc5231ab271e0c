"""The virtual machine's flags: each once, and each argument as it was given."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elixircluster.render.config import config_files
from elixircluster.render.vm import cores, machine_flags, port_flags, quote, schedulers_of
from tests.unit.factory import cluster, variables

CONFIG = "-config /etc/elixircluster/libcluster"
NO_SPIN = "+sbwt none +sbwtdcpu none +sbwtdio none"

FLAGS = {
    "nothing said": ({}, f"{NO_SPIN} +Q 65536 {CONFIG}"),
    "as the release spins": ({"vm": {"busyWait": "Release"}}, f"+Q 65536 {CONFIG}"),
    "schedulers": ({"vm": {"schedulers": 2}}, f"{NO_SPIN} +S 2:2 +Q 65536 {CONFIG}"),
    "ports": ({"vm": {"maxPorts": 1024}}, f"{NO_SPIN} +Q 1024 {CONFIG}"),
    "net tick": (
        {"distribution": {"netTickTimeSeconds": 15}},
        f"{NO_SPIN} +Q 65536 {CONFIG} -kernel net_ticktime 15",
    ),
    "arguments": (
        {"vm": {"args": ["+hms", "4000", "-kernel", "logger", '[{a, "b c"}]']}},
        f'{NO_SPIN} +Q 65536 {CONFIG} -kernel logger [{{a,\\ \\"b\\ c\\"}}] +hms 4000',
    ),
}


@pytest.mark.parametrize(("spec", "flags"), FLAGS.values(), ids=FLAGS)
def test_what_the_resource_says_comes_after_the_release(spec, flags):
    assert machine_flags(cluster(**spec)) == flags


def test_every_node_listens_on_one_port_without_epmd():
    assert port_flags(cluster(distribution={"port": 7000})) == ["-start_epmd false", "-erl_epmd_port 7000"]


def test_a_console_does_not_listen():
    assert config_files(cluster())["remote.vm.args"] == "-dist_listen false\n"


# Of -mnesia dir the first one counts, so that a release's vm.args won over the resource's.
PARAMETERS = {
    "an application's": (["-mnesia", "dir", '"/data"'], ['-mnesia dir \\"/data\\"']),
    "several in a flag": (["-kernel", "a", "1", "b", "2"], ["-kernel a 1", "-kernel b 2"]),
    "a flag of the runtime": (["-s", "mod", "fun", "-pa", "a", "b", "-eval", "a b"], []),
    "an emulator's": (["+hms", "4000"], []),
    "no pairs": (["-hidden", "-x", "y", "-extra", "-mnesia", "dir", "x"], []),
}


@pytest.mark.parametrize(("args", "flags"), PARAMETERS.values(), ids=PARAMETERS)
@pytest.mark.parametrize("runtime", ["Mix", "Relx", "Gleam", "Erl"])
def test_an_applications_parameter_stands_before_and_after_the_release(runtime, args, flags):
    found = variables(cluster(runtime=runtime, vm={"args": args}))
    for flag in flags:
        assert f" {flag} " in f" {found['ERL_AFLAGS']} "
        assert f" {flag} " in f" {found['ERL_FLAGS']} "
    other = [quote(argument) for argument in args] if not flags else []
    assert found["ERL_FLAGS"].endswith(" ".join(other))


def test_the_port_that_epmd_tells_stands_before_and_after_the_release():
    found = variables(cluster(distribution={"epmd": "Enabled"}))
    flag = "-kernel inet_dist_listen_min 6789 inet_dist_listen_max 6789"
    assert flag in found["ERL_AFLAGS"]
    assert flag in found["ERL_FLAGS"]


@pytest.mark.parametrize("strategy", ["DNS", "DNSSRV"])
def test_every_flag_is_given_once(strategy):
    resource = cluster(
        discovery={"strategy": strategy},
        vm={"schedulers": 2},
        distribution={"netTickTimeSeconds": 15},
    )
    flags = " ".join([*port_flags(resource), machine_flags(resource)]).split()
    names = [flag for flag in flags if flag[0] in "-+"]
    assert len(names) == len(set(names)), names


SCHEDULERS = {
    "nothing said": (None, None),
    "empty": ({}, None),
    "a limit, which the runtime sees by itself": ({"limits": {"cpu": "2"}, "requests": {"cpu": "500m"}}, None),
    "a request": ({"requests": {"cpu": "3"}}, 3),
    "a part of a core": ({"requests": {"cpu": "100m"}}, 1),
    "more than a core": ({"requests": {"cpu": "1500m"}}, 2),
    "a decimal": ({"requests": {"cpu": "2.1"}}, 3),
    "a number": ({"requests": {"cpu": 2}}, 2),
    "nothing asked for": ({"requests": {"cpu": "0"}}, None),
    "memory only": ({"requests": {"memory": "1Gi"}}, None),
    "null": ({"limits": None, "requests": None}, None),
    "no quantity": ({"requests": {"cpu": "many"}}, None),
    "too large a number": ({"requests": {"cpu": "1e9"}}, None),
    "an object": ({"requests": {"cpu": {"a": 1}}}, None),
    "a list of requests": ({"requests": ["cpu"]}, None),
    "a text for requests": ({"requests": "cpu", "limits": "none"}, None),
}


@pytest.mark.parametrize(("resources", "schedulers"), SCHEDULERS.values(), ids=SCHEDULERS)
def test_there_are_as_many_schedulers_as_cores_were_asked_for(resources, schedulers):
    assert schedulers_of(resources) == schedulers


def test_what_the_resource_says_of_schedulers_wins_over_what_was_asked_for():
    resource = cluster(vm={"schedulers": 7}, resources={"requests": {"cpu": "2"}})
    assert "+S 7:7" in machine_flags(resource)
    assert machine_flags(resource).count("+S ") == 1


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-1", "m", "", "0x10", "1025", "1k", None])
def test_what_is_no_number_of_cores_is_left_to_the_api_server(text):
    assert cores(text) is None


def arguments(flags: str) -> list[str]:
    """How erlexec reads ERL_FLAGS (build_args_from_string in erts/etc/common/erlexec.c)."""
    result: list[str] = []
    current: str | None = None
    quoted = ""
    index = 0
    while index < len(flags):
        character = flags[index]
        if quoted and character == quoted:
            quoted = ""
        elif character == "\\" and not quoted and index + 1 < len(flags):
            index += 1
            current = (current or "") + flags[index]
        elif not quoted and character in "'\"":
            quoted, current = character, current or ""
        elif not quoted and character in " \f\t\n\r\v":
            if current is not None:
                result.append(current)
            current = None
        else:
            current = (current or "") + character
        index += 1
    return [*result, *([current] if current is not None else [])]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))))
def test_an_argument_reaches_the_machine_as_it_was_given(given_arguments):
    assert arguments(" ".join(quote(argument) for argument in given_arguments)) == given_arguments
