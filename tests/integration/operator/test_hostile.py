"""Any text in any field is either refused by the schema or becomes an object that the API server takes."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from elixircluster.api.resource import API_VERSION, KIND, parse
from elixircluster.errors import Stalled
from elixircluster.render.objects import render, render_cookie_secret
from elixircluster.render.templates import Templates
from tests.integration.operator.client import IMAGE, RefusedError

EXAMPLES = int(os.environ.get("ELIXIRCLUSTER_EXAMPLES", "30"))
TEMPLATES = Templates()
OWNER = "00000000-0000-0000-0000-000000000001"

NASTY = [
    "\"'`\\",
    "a\nb\r\n---\n...\n",
    "{{ namespace }}{% for x in y %}{# z",
    "$(POD_IP) $$(X) ${HOME} `id` $(id)",
    "': !!python/object:os.system [id]",
    "<<: *a",
    "é\u2028\u2029\x85\ufeff\U0001f600\u202e",
    "\x00",
    "\t",
    "null",
    "0x10",
    ">>}]}]. halt().",
    "-setcookie x",
    "a" * 65536,
    "é" * 30000,
]
TEXT = st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SHORT = TEXT.map(lambda text: text[:60])
NAME = st.sampled_from(["a", "chat", "a-b"]) | SHORT


def some(**fields):
    """An object with any of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


SPECS = some(
    image=st.just(IMAGE) | SHORT,
    imagePullSecrets=st.lists(some(name=NAME), max_size=2, unique_by=lambda entry: entry.get("name")),
    release=some(name=NAME, command=st.lists(TEXT, max_size=2), args=st.lists(TEXT, max_size=2)),
    discovery=some(strategy=st.sampled_from(["DNS", "DNSSRV"]), clusterDomain=NAME),
    distribution=some(cookie=st.fixed_dictionaries({"secretKeyRef": some(name=NAME, key=NAME)})),
    vm=some(args=st.lists(TEXT, max_size=3)),
    web=some(service=some(annotations=st.dictionaries(NAME, TEXT, max_size=2))),
    health=some(readiness=some(httpGet=st.fixed_dictionaries({"path": TEXT.map(lambda text: "/" + text[:900])}))),
    env=st.lists(some(name=NAME, value=TEXT), max_size=2, unique_by=lambda entry: entry.get("name")),
    files=st.dictionaries(NAME, TEXT, max_size=2),
    podMetadata=some(
        labels=st.dictionaries(NAME, SHORT, max_size=2), annotations=st.dictionaries(NAME, TEXT, max_size=2)
    ),
    serviceAccount=some(name=NAME) | some(annotations=st.dictionaries(NAME, TEXT, max_size=2)),
    scheduling=some(nodeSelector=st.dictionaries(NAME, SHORT, max_size=2), priorityClassName=NAME),
)

# What the schema leaves to the API server: keys of labels and annotations, whose message names them.
LEFT_TO_THE_API_SERVER = ("labels", "annotations", "nodeSelector", "metadata.name")


TAKEN, REFUSED, ODD = "taken", "refused", "odd"
outcomes: list[str] = []


@seed(20260101)
@settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(SPECS)
def test_any_text_is_refused_by_the_schema_or_becomes_an_object(shared, spec):
    found, said = outcome(shared, {"image": IMAGE, **spec})
    outcomes.append(found)
    assert found != ODD, said


def test_enough_of_the_texts_were_taken():
    assert outcomes.count(TAKEN) >= len(outcomes) // 20 > 0


def outcome(namespace, spec):
    """Who refused, or that it was taken; odd where the schema takes what the API server then refuses."""
    body = {"apiVersion": API_VERSION, "kind": KIND, "spec": spec}
    try:
        resource = namespace.create(KIND, "chat", body, dryRun="All", fieldValidation="Strict")
    except RefusedError as error:
        return (REFUSED if error.code in {400, 422} else ODD), str(error)
    resource["metadata"] = {**resource["metadata"], "uid": OWNER}
    cluster = parse(resource)
    try:
        objects = [*render(cluster, TEMPLATES, "uid"), render_cookie_secret(cluster, TEMPLATES, "abc")]
        for item in objects:
            namespace.dry_run(item)
    except Stalled as stalled:
        return (REFUSED if stalled.reason == "NameTooLong" else ODD), str(stalled)
    except RefusedError as error:
        return (REFUSED if any(part in error.message for part in LEFT_TO_THE_API_SERVER) else ODD), str(error)
    return TAKEN, ""
