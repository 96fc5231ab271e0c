"""`elixircluster render`: what would be applied, with no cluster."""

from __future__ import annotations

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from elixircluster.cli import main
from elixircluster.errors import Stalled
from elixircluster.render.preview import merge, parse_setting, preview
from tests.unit.factory import body

CHAT = """\
apiVersion: elixircluster.dev/v1alpha1
kind: ElixirCluster
metadata: {name: chat}
spec: {image: "chat:1"}
"""


def by_kind(objects):
    return {item["kind"]: item for item in objects}


def test_everything_that_would_be_applied_is_shown_and_the_cookie_is_not():
    rendered = by_kind(preview(CHAT, [], [], None))
    assert set(rendered) == {
        "Secret",
        "ConfigMap",
        "Service",
        "ServiceAccount",
        "PodDisruptionBudget",
        "NetworkPolicy",
        "StatefulSet",
    }
    assert rendered["Secret"]["stringData"] == {"cookie": "<generated>"}
    assert not any("ownerReferences" in item["metadata"] for item in rendered.values())
    assert {item["metadata"]["namespace"] for item in rendered.values()} == {"default"}


def test_a_cookie_of_the_users_is_not_made():
    values = "distribution: {cookie: {secretKeyRef: {name: mine, key: cookie}}}"
    assert "Secret" not in by_kind(preview(CHAT, [values], [], None))


def test_several_resources_are_rendered_in_one_go():
    text = f"---\n{CHAT}---\n{CHAT.replace('name: chat', 'name: other')}---\n"
    names = [item["metadata"]["name"] for item in preview(text, [], [], None) if item["kind"] == "StatefulSet"]
    assert names == ["chat", "other"]


def test_other_kinds_are_handed_on_as_they_are():
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "ownerReferences": []},
        "data": {"a": "b"},
    }
    objects = preview(f"{yaml.safe_dump(secret)}---\n{CHAT}", [], ["replicas=2"], None)
    assert objects[0] == secret
    assert by_kind(objects)["StatefulSet"]["spec"]["replicas"] == 2


@pytest.mark.parametrize("kind", ["List", "ElixirClusterList"])
def test_what_kubectl_prints_of_several_is_rendered_one_by_one(kind):
    items = [yaml.safe_load(CHAT), yaml.safe_load(CHAT.replace("name: chat", "name: other"))]
    text = yaml.safe_dump({"apiVersion": "v1", "kind": kind, "items": items})
    assert preview(text, [], [], None) == preview(
        f"{CHAT}---\n{CHAT.replace('name: chat', 'name: other')}", [], [], None
    )


@pytest.mark.parametrize("namespace", ['""', "null"])
def test_an_empty_namespace_is_the_usual_one_as_for_kubectl(namespace):
    assert preview(CHAT.replace("{name: chat}", f"{{name: chat, namespace: {namespace}}}"), [], [], None) == preview(
        CHAT, [], [], None
    )


def test_an_annotation_without_a_value_asks_for_nothing():
    text = CHAT.replace("{name: chat}", "{name: chat, annotations: {elixircluster.dev/rotate-cookie: }}")
    assert preview(text, [], [], None) == preview(CHAT, [], [], None)


def test_a_date_is_a_text_as_for_kubectl():
    objects = preview(CHAT, ["env: [{name: DAY, value: 2026-01-01}]"], [], None)
    (app,) = by_kind(objects)["StatefulSet"]["spec"]["template"]["spec"]["containers"]
    assert {"name": "DAY", "value": "2026-01-01"} in app["env"]


def test_settings_win_over_values_and_values_over_the_resource():
    values = ["{image: 'chat:2', replicas: 5}", "replicas: 6"]
    stateful_set = by_kind(preview(CHAT, values, ["replicas=7"], None))["StatefulSet"]
    assert stateful_set["spec"]["replicas"] == 7
    assert stateful_set["spec"]["template"]["spec"]["containers"][0]["image"] == "chat:2"


SETTINGS = {
    "replicas=5": {"replicas": 5},
    "spec.replicas=5": {"replicas": 5},
    "web.service.port=8080": {"web": {"service": {"port": 8080}}},
    "paused=true": {"paused": True},
    "image=chat:1.10": {"image": "chat:1.10"},
    "image=a=b": {"image": "a=b"},
    "web=": {"web": None},
    'vm.args=["+hms", "4000"]': {"vm": {"args": ["+hms", "4000"]}},
    "web={port: 1}": {"web": {"port": 1}},
}


@pytest.mark.parametrize(("setting", "values"), SETTINGS.items(), ids=SETTINGS)
def test_a_setting_is_read_as_yaml(setting, values):
    assert parse_setting(setting) == values


def test_mappings_merge_and_everything_else_replaces():
    assert merge({"a": {"b": 1, "c": [1]}, "d": 2}, {"a": {"c": [2]}, "d": {"e": 3}}) == {
        "a": {"b": 1, "c": [2]},
        "d": {"e": 3},
    }


REFUSED = {
    "no apiVersion": ("{kind: Pod}", [], [], "not an object with apiVersion and kind"),
    "a list": ("[1]", [], [], "not an object"),
    "a text": ("hello", [], [], "not an object"),
    "another version": (CHAT.replace("v1alpha1", "v9"), [], [], "this knows elixircluster.dev/v1alpha1 only"),
    "a name that is too long": (CHAT.replace("name: chat", f"name: {'a' * 53}"), [], [], "longer than 52 characters"),
    "a name with a dot": (CHAT.replace("name: chat", "name: chat.eu"), [], [], "must begin with a letter"),
    "no name": (CHAT.replace("{name: chat}", "{}"), [], [], "metadata.name is missing"),
    "a number for a name": (CHAT.replace("name: chat", "name: 5"), [], [], "metadata.name"),
    "a list for metadata": (CHAT.replace("{name: chat}", "[name]"), [], [], "metadata"),
    "a number for an annotation": (
        CHAT.replace("{name: chat}", "{name: chat, annotations: {elixircluster.dev/rotate-cookie: 2}}"),
        [],
        [],
        "metadata.annotations.elixircluster.dev/rotate-cookie is not a text",
    ),
    "a field beside the spec": (f"{CHAT}replicas: 5\n", [], [], "unknown field replicas"),
    "a list without items": ("{apiVersion: v1, kind: List, items: 5}", [], [], "items is not a list"),
    "a number in a list": ("{apiVersion: v1, kind: List, items: [5]}", [], [], "not an object"),
    "a list for a spec": (CHAT.replace('{image: "chat:1"}', "[image]"), [], ["replicas=1"], "spec"),
    "no YAML": ("a: [", [], [], "expected"),
    "no YAML in values": (CHAT, ["a: ["], [], "expected"),
    "no mapping in values": (CHAT, ["[1]"], [], "--values"),
    "no YAML in a setting": (CHAT, [], ["image=["], "--set image=["),
    "no value in a setting": (CHAT, [], ["image"], "--set image: not of the form a.b=c"),
    "no name in a setting": (CHAT, [], ["=1"], "not of the form"),
    "a field that there is not": (CHAT, [], ["webb.port=1"], "unknown field spec.webb"),
    "a value that cannot be": (CHAT, [], ["replicas=many"], "spec.replicas: input should be a valid integer"),
    "no image": (CHAT, [], ["image="], "spec.image"),
}


@pytest.mark.parametrize(("text", "values", "settings", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_rendered_is_explained(text, values, settings, said):
    with pytest.raises((ValueError, Stalled)) as refused:
        preview(text, values, settings, None)
    assert said in str(refused.value)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["chat", "a b", ""]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["name", "image", "namespace", "web", "env", "podTemplate"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(ANYTHING, ANYTHING, ANYTHING)
def test_nothing_that_is_given_ends_in_a_traceback(metadata, spec, values):
    resource = {**body(), "metadata": metadata, "spec": spec}
    objects, refused = [], ""
    try:
        objects = preview(yaml.safe_dump(resource), [yaml.safe_dump(values)], [], None)
    except (ValueError, Stalled) as error:
        refused = str(error)
    assert refused or len(objects) >= 5


def test_the_command_prints_yaml(tmp_path):
    (tmp_path / "chat.yaml").write_text(CHAT)
    result = CliRunner().invoke(main, ["render", "-f", str(tmp_path / "chat.yaml"), "--set", "replicas=2"])
    assert result.exit_code == 0
    assert by_kind(yaml.safe_load_all(result.output))["StatefulSet"]["spec"]["replicas"] == 2


def test_the_command_refuses_a_kind_that_the_operator_would(tmp_path):
    (tmp_path / "chat.yaml").write_text(CHAT)
    (tmp_path / "job.yaml.j2").write_text(
        "{apiVersion: batch/v1, kind: Job, metadata: {name: job, namespace: {{ namespace | tojson }}}}"
    )
    arguments = ["render", "-f", str(tmp_path / "chat.yaml"), "--templates", str(tmp_path)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "a template makes batch/v1 Job; the operator may make Secret, ConfigMap" in result.output


def test_the_command_explains_in_one_line(tmp_path):
    (tmp_path / "chat.yaml").write_text("a: [")
    result = CliRunner().invoke(main, ["render", "-f", str(tmp_path / "chat.yaml")])
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")
    assert "Traceback" not in result.output


def test_the_command_prints_the_definition():
    result = CliRunner().invoke(main, ["crd"])
    assert yaml.safe_load(result.output)["metadata"]["name"] == "elixirclusters.elixircluster.dev"
