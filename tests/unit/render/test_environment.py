"""The environment of a node: what the operator sets, what a user may, and in which order."""

from __future__ import annotations

from itertools import product

import pytest

from elixircluster.api.variables import FLAGS_IN_TEXT, OWNED, OWNED_FLAGS, REPLACEABLE
from elixircluster.errors import Stalled
from elixircluster.render.config import config_files
from elixircluster.render.environment import environment
from tests.unit.factory import cluster, variables

SETTINGS = list(
    product(
        ("DNS", "DNSSRV", "Static", "None"),
        ({}, {"tls": {"mode": "SelfSigned"}}, {"ipFamily": "IPv6"}, {"epmd": "Enabled"}),
        ({}, {"args": ["-mnesia", "dir", "x"]}),
    )
)


def rendered(runtime: str) -> set[str]:
    """The variables that nodes of a runtime get, with whatever setting."""
    return {
        name
        for strategy, distribution, vm in SETTINGS
        for name in variables(
            cluster(
                runtime=runtime,
                web={},
                vm=vm,
                distribution=distribution,
                discovery={"strategy": strategy, "clusterDomain": "k8s.acme"},
            )
        )
    }


@pytest.mark.parametrize("runtime", OWNED)
def test_the_operators_variables_are_those_that_are_rendered(runtime):
    owned = set(OWNED[runtime])
    assert owned == rendered(runtime) - set(REPLACEABLE)
    assert not owned & set(REPLACEABLE)


@pytest.mark.parametrize("runtime", OWNED)
def test_every_distribution_flag_that_is_rendered_is_refused_elsewhere(runtime):
    for strategy, distribution, _ in SETTINGS:
        resource = cluster(runtime=runtime, distribution=distribution, discovery={"strategy": strategy})
        files = (text for name, text in config_files(resource).items() if name.endswith("vm.args"))
        said = variables(resource)
        words = " ".join([said.get("ERL_AFLAGS", ""), said.get("ERL_ZFLAGS", ""), *files]).split()
        flags = {word for word in words if word.startswith("-")} - {"-kernel"}
        parameters = {word for word in words if word.startswith("inet_dist_listen")}
        assert flags | parameters <= set(OWNED_FLAGS)


def test_what_a_flag_is_known_by_in_a_text_knows_every_flag():
    for flag in OWNED_FLAGS:
        assert any(part in f"+S 1 {flag} x" for part in FLAGS_IN_TEXT), flag


def test_every_variable_that_may_be_replaced_is_rendered_for_someone():
    assert set(REPLACEABLE) <= {name for runtime in OWNED for name in rendered(runtime)}


@pytest.mark.parametrize(("runtime", "name"), [(runtime, name) for runtime in OWNED for name in OWNED[runtime]])
def test_a_variable_of_the_operators_is_refused(runtime, name):
    with pytest.raises(Stalled, match="are set by the operator"):
        cluster(runtime=runtime, env=[{"name": name, "value": "a"}])


def test_a_variable_of_another_runtime_is_nobodys():
    assert variables(cluster(env=[{"name": "RELX_COOKIE", "value": "a"}]))["RELX_COOKIE"] == "a"


# With -proto_dist twice nodes spoke in plaintext, and the resource was Ready.
HIDDEN = {
    "ELIXIR_ERL_OPTIONS": "-proto_dist inet_tls -ssl_dist_optfile /app/dist.conf",
    "ERL_ZFLAGS": "+S 1 -setcookie a",
    "ERL_OTP27_FLAGS": "-erl_epmd_port 1",
    "ERL_OPTS": "-name a@b",
    "EXTRA_DIST_ARGS": "-kernel inet_dist_listen_min 9000",
}


@pytest.mark.parametrize(("name", "value"), HIDDEN.items(), ids=HIDDEN)
def test_a_flag_of_the_operators_is_refused_in_every_variable_that_is_read_for_flags(name, value):
    with pytest.raises(Stalled, match="must not be repeated in a variable"):
        cluster(env=[{"name": name, "value": value}])


@pytest.mark.parametrize("name", ["FIND_FLAGS", "MOTTO", "ERL_CRASH_DUMP"])
def test_a_variable_that_nobody_reads_for_flags_may_say_what_it_likes(name):
    assert variables(cluster(env=[{"name": name, "value": "-name x"}]))[name] == "-name x"


@pytest.mark.parametrize("value", ["-config /a/b", "+S 2:2 -kernel dist_auto_connect never", ""])
def test_other_flags_may_be_in_a_variable(value):
    assert variables(cluster(env=[{"name": "ERL_ZFLAGS", "value": value}]))["ERL_ZFLAGS"] == value


def test_an_entry_of_the_user_replaces_ours():
    resource = cluster(env=[{"name": "HOME", "value": "/home"}])
    assert variables(resource)["HOME"] == "/home"
    names = [entry["name"] for entry in environment(resource)]
    assert len(names) == len(set(names))


# A release on another port than web.port was never ready, and nobody said why.
@pytest.mark.parametrize("entry", [{"value": "8080"}, {"valueFrom": {"fieldRef": {"fieldPath": "x"}}}, {}])
def test_another_port_than_that_of_web_is_refused(entry):
    with pytest.raises(Stalled, match=r"PORT is web\.port"):
        cluster(web={}, env=[{"name": "PORT", **entry}])


def test_the_same_port_may_be_said_twice_and_without_web_any():
    assert variables(cluster(web={"port": 8080}, env=[{"name": "PORT", "value": "8080"}]))["PORT"] == "8080"
    assert variables(cluster(env=[{"name": "PORT", "value": "1"}]))["PORT"] == "1"


def test_a_variable_comes_after_those_that_it_refers_to():
    names = [entry["name"] for entry in environment(cluster(discovery={"strategy": "DNSSRV"}))]
    for earlier in ("POD_IP", "POD_NAME", "POD_NAMESPACE"):
        assert names.index(earlier) < names.index("RELEASE_NODE")


def test_the_users_entries_come_last_and_in_their_order():
    entries = [{"name": "B", "value": "$(POD_IP)"}, {"name": "A", "value": "$(B)"}]
    assert environment(cluster(env=entries))[-2:] == entries


def test_a_variable_may_come_from_anywhere():
    source = {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}
    assert variables(cluster(env=[{"name": "A", "valueFrom": source}]))["A"] == source
