"""Who sees whom: as a matrix, as a table, as a picture."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET

import pytest
from rich.console import Console

from elixircluster.api import status as api
from elixircluster.plugin import matrix as matrices
from elixircluster.plugin.matrix import matrix
from elixircluster.plugin.mesh import MOST_SHOWN, drawing, worth_showing
from elixircluster.plugin.picture import LONGEST_TITLE, MISSING, MOST_LINKED, ONE_WAY, picture
from tests.unit.plugin.resources import resource

SVG = "{http://www.w3.org/2000/svg}"


def split():
    """Two nodes that see each other, and one that sees nobody."""
    body = resource(Clustered=("False", "Partitioned", "2 islands that do not see each other: chat-0, chat-1 | chat-2"))
    body["status"]["mesh"]["islands"] = [["chat-0", "chat-1"], ["chat-2"]]
    for node, missing in zip(body["status"]["nodes"], (["chat-2"], ["chat-2"], ["chat-0", "chat-1"]), strict=True):
        node |= {"connected": 2 - len(missing), "missing": missing}
    return body


def rows(body):
    found = matrix(body)
    return ["".join(found.rows[pod][other].value for other in found.pods) for pod in found.pods]


def shown(body):
    screen = Console(file=io.StringIO(), width=400)
    for part in drawing(body):
        screen.print(part)
    return [line.rstrip() for line in screen.file.getvalue().splitlines()]


def test_a_full_mesh_is_full():
    assert rows(resource()) == ["·✔✔", "✔·✔", "✔✔·"]


def test_a_split_shows_who_is_on_which_side():
    assert rows(split()) == ["·✔✘", "✔·✘", "✘✘·"]
    assert matrix(split()).islands == {"chat-0": 0, "chat-1": 0, "chat-2": 1}


def test_a_link_may_be_seen_by_one_end_only():
    body = resource()
    body["status"]["nodes"][0]["missing"] = ["chat-1"]
    assert rows(body) == ["·✘✔", "✔·✔", "✔✔·"]


def test_of_a_node_that_did_not_answer_nothing_is_claimed():
    body = resource()
    del body["status"]["nodes"][2]["connected"]
    assert rows(body) == ["·✔?", "✔·?", "??·"]


def test_that_others_miss_a_node_which_does_not_answer_is_known():
    body = resource()
    del body["status"]["nodes"][2]["connected"]
    body["status"]["nodes"][0]["missing"] = ["chat-2"]
    assert rows(body)[:2] == ["·✔✘", "✔·?"]


def test_where_names_are_left_out_the_islands_tell():
    body = resource(80)
    pods = [node["pod"] for node in body["status"]["nodes"]]
    body["status"]["mesh"]["islands"] = [pods[:40], pods[40:]]
    for node, others in zip(body["status"]["nodes"], [pods[40:]] * 40 + [pods[:40]] * 40, strict=True):
        node["missing"] = others[: matrices.MOST_MISSING]
    assert rows(body)[0] == "·" + "✔" * 39 + "✘" * 40


def test_the_operator_leaves_out_as_many_names_as_we_think():
    assert matrices.MOST_MISSING == api.MOST_MISSING


def test_a_resource_without_a_status_has_an_empty_matrix():
    assert rows({"metadata": {"name": "chat"}, "spec": {}}) == []


def test_the_table_has_a_headline_the_matrix_and_the_islands():
    assert shown(split()) == [
        "chat: 2 islands that do not see each other: chat-0, chat-1 | chat-2",
        "",
        "SEES →  0  1  2",
        "chat-0  ·  ✔  ✘",
        "chat-1  ✔  ·  ✘",
        "chat-2  ✘  ✘  ·",
        "",
        "island 1: chat-0, chat-1",
        "island 2: chat-2",
    ]


def test_of_very_many_nodes_the_table_has_those_with_a_gap():
    body = resource(MOST_SHOWN + 40)
    body["status"]["nodes"][7]["missing"] = ["chat-90"]
    assert worth_showing(matrix(body)) == ["chat-7"]
    assert f"{MOST_SHOWN + 39} more nodes are like most" in shown(body)


def elements(body, kind):
    return list(ET.fromstring(picture("chat", matrix(body))).iter(SVG + kind))


def test_the_picture_has_a_disc_and_a_name_for_each_node_and_a_line_for_each_link():
    assert len(elements(resource(), "circle")) == 3
    assert len(elements(resource(), "line")) == 3
    assert {"chat-0", "chat-1", "chat-2"} <= {text.text for text in elements(resource(), "text")}


def test_a_missing_link_is_red_and_dashed():
    lines = elements(split(), "line")
    missing = [line for line in lines if line.get("stroke") == MISSING]
    assert len(missing) == 2
    assert all(line.get("stroke-dasharray") for line in missing)


def test_a_link_of_one_end_has_a_colour_of_its_own():
    body = resource()
    body["status"]["nodes"][0]["missing"] = ["chat-1"]
    assert [line.get("stroke") for line in elements(body, "line")].count(ONE_WAY) == 1


def test_islands_have_a_colour_each():
    assert len({disc.get("fill") for disc in elements(split(), "circle")}) == 2
    assert len({disc.get("fill") for disc in elements(resource(), "circle")}) == 1


def test_a_node_that_did_not_answer_is_hollow():
    body = resource()
    del body["status"]["nodes"][2]["connected"]
    body["status"]["mesh"]["islands"] = [["chat-0", "chat-1"]]
    assert elements(body, "circle")[2].get("fill") == "none"
    assert any("did not answer" in str(text.text) for text in elements(body, "text"))


def test_a_picture_of_very_many_nodes_has_only_what_is_wrong():
    body = resource(MOST_LINKED + 1)
    body["status"]["nodes"][0]["missing"] = ["chat-1"]
    assert len(elements(body, "line")) == 1


@pytest.mark.parametrize("count", [0, 1, 2, 5, 40])
def test_everything_is_inside_of_the_picture(count):
    text = picture("chat", matrix(resource(count)))
    assert all(0 <= float(value) <= 640 for value in re.findall(r'c?[xy][12]?="([-\d.]+)"', text))


@pytest.mark.parametrize("name", ["chat", "a-name-of-thirty-two-letters-long", "x" * 52])
def test_names_have_room(name):
    body = resource(8)
    for node in body["status"]["nodes"]:
        node["pod"] = node["pod"].replace("chat", name)
    sides = {"start": (0, 1), "end": (-1, 0), "middle": (-0.5, 0.5)}
    for text in elements(body, "text")[1:]:
        width = len(text.text) * float(text.get("font-size")) * 0.6
        if text.get("text-anchor"):
            left, right = (float(text.get("x")) + width * side for side in sides[text.get("text-anchor")])
            assert left >= 0
            assert right <= 640


def test_a_title_cannot_break_out_of_the_picture():
    text = picture("</title><script>", matrix(resource()))
    assert "<script>" not in text
    ET.fromstring(text)


def test_a_long_title_is_written_smaller_and_a_very_long_one_is_cut():
    sizes, lengths = [], []
    for length in (20, 90, 4000):
        (first, *_) = ET.fromstring(picture("x" * length, matrix(resource()))).iter(SVG + "text")
        sizes.append(float(first.get("font-size")))
        lengths.append(len(first.text))
    assert sizes == sorted(sizes, reverse=True)
    assert lengths == [20, 90, LONGEST_TITLE]
