"""The template engine: text stays text, and a user's folder overrides and adds."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from elixircluster.errors import Stalled
from elixircluster.render.names import Names
from elixircluster.render.objects import render, render_cookie_secret
from elixircluster.render.templates import Loader, Templates, to_json
from tests.unit.factory import TEMPLATES, children, cluster

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


def read(text: str):
    return yaml.load(text, Loader=Loader)


@given(TEXT)
@example("\u2028\u2029\ufeff\x85\x7f\ufffe\uffff\x00")
@example("{{ x }} {% y %} {# z #}")
@example("'\"\n---\n...\n# - : !tag &a *a |\n>")
@example("\U0001f600 \U0010ffff")
def test_any_text_is_read_as_it_was_written(text):
    assert read(to_json(text)) == text
    assert read(f"a: {to_json(text)}\nb: 1\n") == {"a": text, "b": 1}
    assert read(f"- {to_json([text])}\n") == [[text]]


@given(JSON)
def test_any_value_is_read_as_it_was_written(value):
    assert read(f"a: {to_json(value)}\n") == {"a": value}


@pytest.mark.parametrize("text", ["<<", "=", "null", "~", "yes", "1e3", "0x1", "2026-01-01", "", " ", "*a"])
def test_texts_that_yaml_would_read_as_something_else_stay_text(text):
    assert read(f"a: {to_json({text: text})}\n") == {"a": {text: text}}


def test_a_key_that_kubernetes_allows_is_read_as_it_was_written():
    value = {"k" * 317: "v", "é" * 317: "w"}
    assert read(f"a: {to_json(value)}\n") == {"a": value}


def test_a_value_is_never_read_as_yaml_nor_as_the_place_of_another():
    affinity = {"k" * 2000: "__0__", "__1__": ["__2__", "<<"]}
    pod = children(cluster(scheduling={"affinity": affinity}))["StatefulSet"]["spec"]["template"]["spec"]
    assert affinity.items() <= pod["affinity"].items()


def test_half_of_a_character_is_not_a_tool_to_break_out():
    assert "\n" not in to_json("\ud800\n")
    assert to_json("\ud800") == '"\\ud800"'


@given(st.dictionaries(st.sampled_from(["a", "b.txt"]), TEXT), TEXT, TEXT)
def test_hostile_text_in_a_resource_changes_nothing_around_it(files, value, annotation):
    resource = cluster(
        files=files,
        env=[{"name": "A", "value": value}],
        podMetadata={"annotations": {"x": annotation}},
    )
    rendered = children(resource)
    template = rendered["StatefulSet"]["spec"]["template"]
    assert {f"file.{name}": text for name, text in files.items()}.items() <= rendered["ConfigMap"]["data"].items()
    assert template["spec"]["containers"][0]["env"][-1] == {"name": "A", "value": value}
    assert template["metadata"]["annotations"]["x"] == annotation
    assert set(rendered) == set(children(cluster()))


def test_the_cookies_secret_is_rendered_only_when_it_is_asked_for():
    assert "Secret" not in children(cluster())
    secret = render_cookie_secret(cluster(), TEMPLATES, "abc")
    assert secret["stringData"] == {"cookie": "abc"}
    assert secret["metadata"]["name"] == "chat-cookie"


NO_SECRET = {
    "nothing": "",
    "another kind": "{kind: Role, metadata: {name: a, namespace: a, labels: {}}}",
    "one that no watch would see": "{kind: Secret, metadata: {name: a, namespace: a}}",
}


@pytest.mark.parametrize("text", NO_SECRET.values(), ids=NO_SECRET)
def test_a_template_of_the_cookies_that_makes_no_secret_stalls_and_is_named(tmp_path, text):
    (tmp_path / "cookie-secret.yaml.j2").write_text(text)
    with pytest.raises(Stalled, match=r"cookie-secret\.yaml\.j2: no Secret with labels"):
        render_cookie_secret(cluster(), Templates(tmp_path), "abc")


ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: {{ name | tojson }}, namespace: {{ namespace | tojson }}}
---
{% if spec.replicas > 99 %}
kind: Never
{% endif %}
"""


def test_a_folder_of_the_users_adds_a_template(tmp_path):
    (tmp_path / "role.yaml.j2").write_text(ROLE)
    (tmp_path / "README.md").write_text("{{ no template }}")
    rendered = render(cluster(), Templates(tmp_path), "uid")
    assert [item["metadata"]["name"] for item in rendered if item["kind"] == "Role"] == ["chat"]
    assert len(rendered) == len(children(cluster())) + 1


def test_a_folder_of_the_users_overrides_and_removes(tmp_path):
    (tmp_path / "service-account.yaml.j2").write_text("")
    (tmp_path / "config.yaml.j2").write_text(ROLE)
    kinds = {item["kind"] for item in render(cluster(), Templates(tmp_path), "uid")}
    assert "Role" in kinds
    assert not {"ServiceAccount", "ConfigMap"} & kinds


BROKEN = {
    "a variable that is not there": ("a: {{ nonsense }}", "'nonsense' is undefined"),
    "a value that is not there": ("a: {{ nonsense | tojson }}", "'nonsense' is undefined"),
    "a field that is not there": ("a: {{ spec.nonsense }}", "nonsense"),
    "a block without an end": ("{% if x %}", "Unexpected end of template"),
    "no YAML": ("a: [", "expected"),
    "a list": ("[1]", "no object with kind"),
    "no name": ("{kind: Role, metadata: {namespace: a}}", "no object with kind, metadata.name"),
    "no namespace": ("{kind: Role, metadata: {name: a}}", "no object with kind, metadata.name and namespace"),
    "a number for a name": ("{kind: Role, metadata: {name: 5, namespace: a}}", "no object with kind, metadata.name"),
    "a StatefulSet without a spec": ("{kind: StatefulSet, metadata: {name: a, namespace: a}}", "without spec.template"),
    "a StatefulSet without pods": (
        "{kind: StatefulSet, metadata: {name: a, namespace: a}, spec: {replicas: 1}}",
        "a StatefulSet without spec.template",
    ),
    "a sum of texts and numbers": ("a: {{ 1 + 'a' }}", "unsupported operand"),
    "an unknown filter": ("a: {{ 1 | nonsense }}", "nonsense"),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
def test_a_template_that_cannot_be_rendered_stalls_and_is_named(tmp_path, text, said):
    (tmp_path / "mine.yaml.j2").write_text(text)
    with pytest.raises(Stalled) as stalled:
        render(cluster(), Templates(tmp_path), "uid")
    assert stalled.value.reason == "TemplateFailed"
    assert "mine.yaml.j2" in stalled.value.message
    assert said in stalled.value.message


def test_the_documents_tell_every_name_that_a_template_may_use():
    text = (Path(__file__).parents[3] / "docs" / "templates.md").read_text()
    (row,) = re.findall(r"^\| `names` \| (.*) \|$", text, re.M)
    assert re.findall(r"`(\w+)`", row) == [field.name for field in fields(Names)]
