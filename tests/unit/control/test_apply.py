"""What an answer of the API server means for a resource."""

from __future__ import annotations

import pytest

from elixircluster.api.resource import API_VERSION, KIND
from elixircluster.control import children
from elixircluster.control.apply import Applier, digest, owned, refusal
from elixircluster.control.outcome import attempt
from elixircluster.errors import Retry, Stalled
from elixircluster.kube.api import ApiError
from elixircluster.kube.kinds import CLUSTERS, OWNED
from elixircluster.observed.ownership import refuse_foreign
from elixircluster.observed.store import Store
from elixircluster.phase import Context
from elixircluster.render.names import CLUSTER_LABEL
from tests.unit.factory import TEMPLATES, UID, body, cluster, observed


def answer(code, message="nonsense is not allowed", kind="StatefulSet"):
    return refusal(kind, "chat", ApiError(code, {"reason": "R", "message": message}, 7.0))


@pytest.mark.parametrize("code", [400, 413, 422])
def test_what_the_user_gave_wrong_stalls_and_is_told(code):
    outcome = answer(code)
    assert isinstance(outcome, Stalled)
    assert (outcome.reason, outcome.message) == ("ApplyRefused", "StatefulSet chat: nonsense is not allowed")


def test_a_family_that_kubernetes_does_not_have_is_told_by_its_field():
    said = 'Service "chat" is invalid: spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster'
    outcome = answer(422, said, "Service")
    assert isinstance(outcome, Stalled)
    assert outcome.reason == "WrongAddressFamily"
    assert outcome.message.endswith("spec.distribution.ipFamily is IPv6; set it to IPv4")


@pytest.mark.parametrize(
    "message",
    [
        "failed to create typed patch object (a/chat; apps/v1, Kind=StatefulSet): .spec.x: field not declared",
        "failed to convert new object (a/chat; apps/v1, Kind=StatefulSet) to proper version: quantities must match",
    ],
)
def test_what_does_not_fit_the_schema_stalls_though_the_answer_is_500(message):
    outcome = answer(500, message)
    assert isinstance(outcome, Stalled)
    assert message in outcome.message


def test_another_500_is_tried_again():
    assert isinstance(answer(500, "etcdserver: leader changed"), Retry)


@pytest.mark.parametrize("kind", ["StatefulSet", "ElixirCluster"])
def test_what_may_not_be_done_is_told_and_tried_again(kind):
    outcome = refusal(kind, "chat", ApiError(403, {"reason": "R", "message": "nonsense is not allowed"}))
    assert isinstance(outcome, Retry)
    assert (outcome.reason, outcome.message) == ("Forbidden", f"{kind} chat: nonsense is not allowed")
    assert outcome.after > 0


@pytest.mark.parametrize(("kind", "right"), [("RoleBinding", "rbac.apiDiscovery"), ("Certificate", "rbac.certManager")])
def test_a_right_that_the_chart_gives_when_asked_to_is_named(kind, right):
    refused = refusal(kind, "chat", ApiError(403, {"reason": "Forbidden", "message": "no"}))
    assert refused.message == f"{kind} chat: no; the chart's value {right} gives the operator the right"


class Missing:
    """An API server to which every apply is of something that is not there."""

    def __init__(self, **status):
        self.status = status

    async def apply(self, kind, body):
        raise ApiError(404, self.status)


def wanted(kind):
    metadata = {"name": "chat", "namespace": "default"}
    version = OWNED[kind].kind.api_version
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": {"template": {}}}


async def trouble(kind, **status):
    [(_, found)] = await Applier(Missing(**status), Store()).apply(cluster(), [wanted(kind)])
    return found


async def test_a_binding_whose_role_is_not_there_yet_is_tried_again():
    """Both are applied at once; the binding was taken for a kind that is not installed, for half a minute."""
    found = await trouble("RoleBinding", reason="NotFound", message='roles "chat-discovery" not found')
    assert isinstance(found, Retry)
    assert (found.reason, found.after) == ("Conflict", 0)


class Refusing:
    """An API server that takes everything but one kind."""

    def __init__(self, refused):
        self.refused = refused
        self.made = []

    async def apply(self, kind, body):
        if kind.kind == self.refused:
            raise ApiError(403, {"reason": "Forbidden", "message": "no"})
        self.made.append(kind.kind)
        reference = {"apiVersion": API_VERSION, "kind": KIND, "name": "chat", "uid": UID, "controller": True}
        metadata = {**body["metadata"], "uid": "u", "ownerReferences": [reference]}
        return {**body, "metadata": {**metadata, "labels": {CLUSTER_LABEL: "chat"}, "resourceVersion": "2"}}


@pytest.mark.parametrize(
    ("refused", "made"),
    [("Role", ["Secret", "StatefulSet"]), ("PodDisruptionBudget", ["Secret", "StatefulSet"]), ("Service", ["Secret"])],
)
async def test_what_stands_beside_the_nodes_holds_nothing_else_up(refused, made):
    """What was returned as a trouble is an exception too, and was raised: without rights on Roles no node was made."""
    api = Refusing(refused)
    found = await reconciled(api, "Secret", refused, "StatefulSet")
    assert found.trouble.reason == "Forbidden"
    assert api.made == made


async def test_nothing_is_done_to_the_nodes_before_what_they_mount_is_there():
    api = Refusing("")
    found = await reconciled(api, "Secret", "StatefulSet", issued=Retry("WaitingForCertificate", "not yet", after=1.0))
    assert found.trouble.reason == "WaitingForCertificate"
    assert api.made == ["Secret"]


async def test_a_resource_that_wants_something_else_by_now_gets_no_nodes_of_before():
    """Its strategy was changed to Recreate while the API was slow, and new nodes were made beside old ones."""
    api, store = Refusing(""), Store()
    newer = body()
    newer["metadata"] |= {"generation": 2}
    store.see(CLUSTERS, newer)
    found = await reconciled(api, "Secret", "StatefulSet", store=store)
    assert found.trouble.reason == "ResourceChanged"
    assert api.made == ["Secret"]


class Certificates:
    """Of which nothing is waited for, or this."""

    def __init__(self, trouble):
        self.trouble = trouble

    async def await_issued(self, _context):
        if self.trouble:
            raise self.trouble


class Migrations:
    """Of which all have run."""

    async def await_migrated(self, _context):
        return None


async def reconciled(api, *kinds, issued=None, store=None):
    """What becomes of a resource that is made of these."""
    store = store or Store()
    phase = children.Children(Applier(api, store), TEMPLATES, Certificates(issued), Migrations()).phase
    context = Context(cluster(), observed(), observed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(children, "render", lambda *_: [wanted(kind) for kind in kinds])
        return await attempt(phase, context)


async def test_a_kind_that_this_kubernetes_does_not_know_stalls():
    """Nothing behind the path: the API server answers in plain text, and not with a Status."""
    found = await trouble("Certificate", message="404 page not found")
    assert isinstance(found, Stalled)
    assert found.reason == "KindMissing"


@pytest.mark.parametrize("code", [404, 409])
def test_a_world_that_changed_is_looked_at_again_at_once(code):
    outcome = answer(code)
    assert isinstance(outcome, Retry)
    assert (outcome.reason, outcome.message) == ("Conflict", "")
    assert outcome.after < 1


@pytest.mark.parametrize("code", [429, 503, 504])
def test_an_api_server_that_is_busy_is_asked_when_it_says(code):
    outcome = answer(code)
    assert isinstance(outcome, Retry)
    assert (outcome.reason, outcome.message, outcome.after) == ("ApiServer", "", 7.0)


def test_digests_tell_objects_apart_and_not_their_order():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1})


@pytest.mark.parametrize(
    "item",
    [
        {"apiVersion": "v1", "kind": "Pod"},
        {"apiVersion": "apps/v2", "kind": "StatefulSet"},
        {"kind": "StatefulSet"},
    ],
)
def test_a_template_that_makes_a_kind_which_the_operator_may_not_make_stalls(item):
    with pytest.raises(Stalled) as stalled:
        owned(item)
    assert stalled.value.reason == "UnknownKind"
    assert "the operator may make Secret, ConfigMap" in stalled.value.message


def test_an_object_of_somebody_else_is_not_taken():
    with pytest.raises(Stalled) as stalled:
        refuse_foreign(cluster(), "Service", "chat", "")
    assert stalled.value.reason == "NameTaken"
    assert "Service chat exists" in stalled.value.message


def test_an_object_of_another_resource_is_not_taken():
    with pytest.raises(Stalled, match="NameTaken"):
        refuse_foreign(cluster("chat-nodes"), "Service", "chat-nodes", "another uid", "chat")


def test_an_object_of_an_earlier_resource_of_this_name_is_waited_for():
    with pytest.raises(Retry, match="WaitingForDeletion"):
        refuse_foreign(cluster(), "Service", "chat", "another uid", "chat")


def test_an_object_of_the_resource_is_its_own():
    assert refuse_foreign(cluster(), "Service", "chat", UID) is None
