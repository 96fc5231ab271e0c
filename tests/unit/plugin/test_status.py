"""What `kubectl elixir status` shows of a resource."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from elixircluster.plugin.status import age, as_json, colour_of, detail, overview, what
from tests.unit.plugin.resources import pod, resource

NOW = datetime(2026, 1, 1, 0, 5, tzinfo=UTC)


def shown(*parts, colours=False):
    screen = Console(file=io.StringIO(), width=200, force_terminal=colours)
    for part in parts:
        screen.print(part)
    return screen.file.getvalue()


def test_a_resource_is_a_line():
    lines = shown(overview([resource()], NOW, namespaces=False)).splitlines()
    assert " ".join(lines[1].split()) == "chat True 3/3 3/3 chat:1 5m all 3 nodes see each other"


def test_of_all_namespaces_each_line_begins_with_its_own():
    lines = shown(overview([resource()], NOW, namespaces=True)).splitlines()
    assert lines[0].split()[0] == "NAMESPACE"
    assert lines[1].split()[0] == "default"


def test_there_is_no_colour_where_there_is_no_terminal():
    assert "\x1b" not in shown(overview([resource()], NOW, namespaces=False), *detail(resource(), []))
    assert "\x1b" in shown(overview([resource()], NOW, namespaces=False), colours=True)


SITUATIONS = {
    "well": ({}, "green", "all 3 nodes see each other"),
    "rolling": (
        {"Ready": ("False", "Rolling", "replacing pod chat-0, 1 to go")},
        "yellow",
        "Rolling: replacing pod chat-0, 1 to go",
    ),
    "stalled": (
        {"Stalled": ("True", "NameTaken", "Service chat is yours"), "Ready": ("False", "NameTaken", "x")},
        "red",
        "NameTaken: Service chat is yours",
    ),
    "split": (
        {"Clustered": ("False", "Partitioned", "2 islands: chat-0, chat-1 | chat-2")},
        "red",
        "Partitioned: 2 islands: chat-0, chat-1 | chat-2",
    ),
    "forming": ({"Clustered": ("False", "Forming", "waiting for chat-2")}, "green", "Forming: waiting for chat-2"),
    "booting": (
        {
            "Ready": ("False", "WaitingForReady", "pod chat-2: its application chat is not up yet"),
            "Clustered": ("False", "Booting", "chat-2 is starting: its application chat is not up yet"),
        },
        "yellow",
        "WaitingForReady: pod chat-2: its application chat is not up yet",
    ),
    "no node": ({"Available": ("False", "NoNodeReady", "no node is ready")}, "red", "all 3 nodes see each other"),
    "paused": ({"Paused": ("True", "Paused", "nothing is changed")}, "green", "Paused: nothing is changed"),
}


@pytest.mark.parametrize(("told", "colour", "words"), SITUATIONS.values(), ids=SITUATIONS)
def test_the_worst_is_said_in_its_colour(told, colour, words):
    body = resource(**told)
    assert (colour_of(body), what(body)) == (colour, words)


def test_a_resource_that_nobody_looked_at_asks_for_the_operator():
    body = resource()
    del body["status"]
    assert "does it run" in what(body)
    assert colour_of(body) == "yellow"
    assert "?" in shown(overview([body], NOW, namespaces=False))


def test_a_change_that_nobody_looked_at_is_told():
    body = resource()
    body["metadata"]["generation"] = 2
    assert "not looked at yet" in what(body)


@pytest.mark.parametrize(
    ("ready", "booted", "told"), [(True, True, "yes"), (False, False, "boots"), (False, None, "no")]
)
def test_a_node_that_boots_is_told_from_one_that_is_not_ready(ready, booted, told):
    body = resource()
    body["status"]["nodes"][2] |= {"ready": ready} | ({} if booted is None else {"booted": booted})
    lines = shown(*detail(body, [pod(0), pod(1), pod(2)])).splitlines()
    assert next(line.split()[2] for line in lines if line.startswith("chat-2")) == told


def test_one_resource_is_told_with_its_nodes_islands_and_restarts():
    body = resource(Clustered=("False", "Partitioned", "2 islands"))
    body["status"]["mesh"]["islands"] = [["chat-0", "chat-1"], ["chat-2"]]
    body["status"]["nodes"][2]["connected"] = 0
    lines = shown(*detail(body, [pod(0), pod(1, restarts=3), pod(2)])).splitlines()
    nodes = [line.split() for line in lines if "chat@" in line]
    assert nodes == [
        ["chat-0", "chat@10.0.0.0", "yes", "2/2", "1", "OTP", "25,", "Elixir", "1.14.0", "0"],
        ["chat-1", "chat@10.0.0.1", "yes", "2/2", "1", "OTP", "25,", "Elixir", "1.14.0", "3"],
        ["chat-2", "chat@10.0.0.2", "yes", "0/2", "2", "OTP", "25,", "Elixir", "1.14.0", "0"],
    ]
    assert lines[-1].endswith("-- bin/chat remote")


def test_the_step_of_an_update_is_told_while_nodes_of_an_older_revision_are_there():
    """A lost machine was told as an update that rolls."""
    waiting = resource(Ready=("False", "WaitingForReady", "pod chat-2: its machine does not answer"))
    for body in (resource(), waiting):
        assert "Rolling to revision" not in shown(*detail(body, []))
    waiting["status"]["updatedReplicas"] = 2
    assert "Rolling to revision" in shown(*detail(waiting, []))


def test_a_node_that_did_not_answer_has_a_question_mark():
    body = resource()
    del body["status"]["nodes"][1]["connected"]
    (node,) = (line for line in shown(*detail(body, [])).splitlines() if line.startswith("chat-1"))
    assert node.split()[3] == "?"


def test_programs_get_what_people_see():
    told = as_json(resource(), [pod(0, restarts=2)])
    assert told["nodes"][0]["restarts"] == 2
    assert told["clustered"] == "3/3"
    assert {item["type"] for item in told["conditions"]} >= {"Ready", "Clustered"}


@pytest.mark.parametrize(
    ("since", "words"),
    [("2026-01-01T00:04:30Z", "30s"), ("2026-01-01T00:00:00Z", "5m"), ("2025-12-29T00:00:00Z", "3d")],
)
def test_an_age_is_told_in_its_largest_unit(since, words):
    assert age(since, NOW) == words
