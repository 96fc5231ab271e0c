"""What became of revisions, the way back to one, and how the newest gets on."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from elixircluster.plugin.kubectl import KubectlError
from elixircluster.plugin.revisions import chosen, differences, news, operations, rows
from tests.unit.plugin.resources import resource

NOW = datetime(2026, 1, 1, 0, 10, tzinfo=UTC)


def entry(revision, result, **more):
    spec = json.dumps({"image": f"chat:{revision}"})
    return {
        "revision": revision,
        "image": f"chat:{revision}",
        "startedAt": "2026-01-01T00:00:00Z",
        "result": result,
        "spec": spec,
        **more,
    }


def body(*entries):
    found = resource()
    found["status"]["history"] = list(entries)
    return found


def test_a_line_tells_how_a_revision_ended_and_why():
    entries = [
        entry("2", "Failed", endedAt="2026-01-01T00:02:00Z", message="ImagePull: no such image"),
        entry("1", "Complete", endedAt="2026-01-01T00:00:40Z"),
        entry("0", "Progressing"),
    ]
    assert [[str(cell) for cell in row] for row in rows(entries, NOW)] == [
        ["2", "Failed", "chat:2", "10m", "2m", "ImagePull: no such image"],
        ["1", "Complete", "chat:1", "10m", "40s", ""],
        ["0", "Progressing", "chat:0", "10m", "", ""],
    ]


ONE, TWO, FAILED = entry("1", "Complete"), entry("2", "Complete"), entry("3", "Failed")
BACK = entry("3", "RolledBack")
CHOICES = {
    "after a good one": ([TWO, ONE], None, "1"),
    "after one that failed": ([FAILED, TWO, ONE], None, "2"),
    "from one that stands for it": ([TWO, BACK, TWO, ONE], None, "2"),
    "by its name": ([TWO, ONE], "1", "1"),
    "by the StatefulSet's name": ([TWO, ONE], "chat-1", "1"),
    "to one that failed, by its name": ([TWO, FAILED, ONE], "3", "3"),
}


@pytest.mark.parametrize(("entries", "said", "revision"), CHOICES.values(), ids=CHOICES)
def test_the_way_back_goes(entries, said, revision):
    assert chosen(body(*entries), said)["revision"] == revision


NOWHERE = {
    "nothing is remembered": ([], None, "no earlier revision of chat was complete"),
    "none was complete": ([FAILED, entry("1", "Superseded")], None, "kubectl elixir history chat"),
    "a name that is none": ([TWO, ONE], "9", "there are 2, 1"),
    "one whose spec was not kept": ([TWO, entry("1", "Complete", spec="")], "1", "with a spec; there are 2"),
}


@pytest.mark.parametrize(("entries", "said", "told"), NOWHERE.values(), ids=NOWHERE)
def test_there_is_no_way_back_where(entries, said, told):
    with pytest.raises(KubectlError, match=told):
        chosen(body(*entries), said)


def test_what_is_beside_a_revision_stays_and_a_newer_spec_is_not_written_over():
    found = body(TWO, ONE)
    found["spec"] |= {"paused": False, "update": {"strategy": "Recreate"}}
    assert operations(found, ONE) == [
        {"op": "test", "path": "/metadata/generation", "value": 1},
        {
            "op": "replace",
            "path": "/spec",
            "value": {"image": "chat:1", "replicas": 3, "paused": False, "update": {"strategy": "Recreate"}},
        },
    ]


def test_what_is_written_is_told_field_by_field():
    before = {"image": "chat:2", "web": {"port": 4000}, "env": [{"name": "A", "value": "1"}]}
    after = {"image": "chat:1", "web": {"port": 4000, "healthPath": "/up"}}
    assert list(differences(before, after, "spec")) == [
        'spec.env: [{"name": "A", "value": "1"}] is taken away',
        "spec.image: chat:2 → chat:1",
        "spec.web.healthPath: /up",
    ]


def test_each_node_is_told_when_there_is_something_new():
    found, told = body(), {}
    newest = found["status"]["update"]["revision"]
    nodes = found["status"]["nodes"]
    for node in nodes:
        node["revision"] = "old"
    assert list(news(found, told)) == ["chat-0: old, up", "chat-1: old, up", "chat-2: old, up"]
    assert list(news(found, told)) == []
    gone = nodes.pop()
    assert list(news(found, told)) == ["chat-2: gone"]
    nodes.append({**gone, "revision": newest, "ready": False, "message": "ContainerCreating"})
    assert list(news(found, told)) == ["chat-2: new, ContainerCreating"]
    nodes[-1] = {**gone, "revision": newest}
    assert list(news(found, told)) == ["chat-2: new, up"]


def test_of_a_change_that_was_not_looked_at_no_node_tells():
    found = body()
    found["metadata"]["generation"] = 2
    assert list(news(found, {})) == []
