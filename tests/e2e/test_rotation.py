"""Another cookie for nodes that run. Each way to it has an example of its own, and all go on at once."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

import pytest

from tests.cluster import KubectlError, UnsupportedError
from tests.matrix.lab import Nodes

from .conftest import Example
from .release import Release
from .user import TELL_WHO_LEAVES, Namespace, Object, comes_true, together

ANNOTATION = "elixircluster.dev/rotate-cookie"
FILE = "/etc/elixircluster-cookie/cookie"
WITH_FILE = f'RELEASE_COOKIE=$(cat {FILE}) exec bin/chat rpc "$0"'
# What only nodes know stays out of command lines, which the audit log keeps.
SET_COOKIE = 'read cookie; exec bin/chat rpc "Node.set_cookie(:$cookie)"'
WITH_INPUT = 'read cookie; RELEASE_COOKIE=$cookie exec bin/chat rpc "$0"'
PART = 'for node <- Node.list(), do: Node.disconnect(node); IO.puts("apart")'


@dataclass
class Story:
    """What happened to one cluster."""

    name: str
    before: dict[str, tuple[str, int]]
    cookie: str
    after: dict[str, tuple[str, int]] = field(default_factory=dict)
    new_cookie: str = ""
    meshed: bool = False
    seen: dict[str, str] = field(default_factory=dict)

    @property
    def nothing_restarted(self) -> bool:
        return self.before == self.after


@dataclass(frozen=True)
class Cluster:
    """One of the examples."""

    namespace: Namespace
    name: str
    secret: str

    def begin(self) -> Story:
        return Story(self.name, self.namespace.lives(self.name), self.cookie())

    def end(self, story: Story) -> Story:
        nodes = Nodes(self.namespace, self.name)
        story.meshed = nodes.connected(len(self.namespace.pods(self.name)))
        story.after, story.new_cookie = self.namespace.lives(self.name), self.cookie()
        return story

    def cookie(self) -> str:
        return base64.b64decode(self.namespace.get("secret", self.secret)["data"]["cookie"]).decode()

    def ask(self, value: str) -> None:
        self.namespace.kubectl("annotate", "--overwrite", f"elixircluster/{self.name}", f"{ANNOTATION}={value}")

    def done(self, value: str, seconds: int = 120) -> None:
        """What a script does to know that it is over."""
        condition = f"jsonpath={{.status.cookieRotation}}={value}"
        self.namespace.kubectl("wait", f"elixircluster/{self.name}", f"--for={condition}", f"--timeout={seconds}s")

    def pods(self) -> list[str]:
        return [pod["metadata"]["name"] for pod in self.namespace.pods(self.name)]

    def condition(self, name: str, reason: str) -> Object:
        comes_true(lambda: self.namespace.condition(self.name, name).get("reason") == reason, 60)
        return self.namespace.condition(self.name, name)

    def execute(self, pod: str, script: str, *arguments: str, said: str = "") -> str:
        command = ("exec", "-i", pod, "-c", "app", "--", "sh", "-c", script, *arguments)
        return self.namespace.kubectl(*command, input=said)

    def has_file(self, pod: str) -> bool:
        """Whether the file in the container follows the Secret; the kubelet looks at once where the pod changes."""
        self.namespace.kubectl("annotate", "--overwrite", "pod", pod, f"looked={secrets.token_hex(4)}")
        return comes_true(lambda: self.execute(pod, f"cat {FILE}") == self.cookie(), 150, pause=1)


@pytest.fixture(scope="module")
def stories(
    examples: dict[str, Example],
    operator: Release,
    earlier_cookies: set[str],
    side_by_side: Callable[..., Future[Story]],
) -> dict[str, Future[Story]]:
    def start(story: Callable[..., Story], variant: str, *arguments: object) -> Future[Story]:
        example = examples[variant]
        secret = "shared-cookie" if variant == "chat-cookie" else f"{example.name}-cookie"
        cluster = Cluster(example.namespace, example.name, secret)
        earlier_cookies.add(cluster.cookie())
        return side_by_side(story, cluster, *arguments)

    operator.wait_for_a_look_at_everything()
    found = {
        "asked for": start(asked_for, "chat"),
        "frozen": start(frozen, "chat-dnssrv"),
        "not probed": start(not_probed, "chat-recreate"),
        "the user's own": start(the_users_own, "chat-cookie"),
        "deleted": start(deleted, "chat-tuned"),
    }
    # These two rest on what the operator remembers, and this one ends it.
    wait([found["the user's own"], found["deleted"]])
    return {**found, "half done": start(half_done, "chat-by-dnssrv", operator)}


def asked_for(cluster: Cluster) -> Story:
    first, *others = cluster.pods()
    together(*(lambda pod=pod: cluster.namespace.rpc(pod, TELL_WHO_LEAVES) for pod in (first, *others)))
    story = cluster.begin()
    cluster.ask("1")
    cluster.done("1")
    story.seen["logs"] = "".join(cluster.namespace.kubectl("logs", pod, "-c", "app") for pod in (first, *others))
    cluster.end(story)
    try:
        story.seen["with the earlier cookie"] = cluster.namespace.rpc(first, "IO.puts(6 * 7)")
    except KubectlError as error:
        story.seen["with the earlier cookie"] = str(error)
    if cluster.has_file(first):
        story.seen["with the file"] = cluster.execute(first, WITH_FILE, "IO.puts(6 * 7)").strip()
        story.seen["apart"] = cluster.execute(first, WITH_FILE, PART).strip()
    together_again = Nodes(cluster.namespace, cluster.name).connected(len(story.after))
    count = len(story.after) + 1
    cluster.namespace.patch(cluster.name, replicas=count)
    with_one_more = Nodes(cluster.namespace, cluster.name).connected(count)
    return finished(story, together_again=together_again, with_one_more=with_one_more)


def half_done(cluster: Cluster, operator: Release) -> Story:
    """As an operator leaves it that ends in the middle; and just then one node loses the others."""
    story = cluster.begin()
    first, *_ = cluster.pods()
    cluster.namespace.patch(cluster.name, paused=True)
    cluster.condition("Paused", "Paused")
    following = secrets.token_hex(20)
    cluster.namespace.kubectl(
        *("patch", "secret", cluster.secret, "--patch-file=/dev/stdin"),
        input=f'{{"metadata": {{"annotations": {{"{ANNOTATION}": "2"}}}}, "stringData": {{"next": "a{following}"}}}}',
    )
    cluster.ask("2")
    cluster.execute(first, SET_COOKIE, said=f"a{following}\n")
    story.seen["apart"] = cluster.execute(first, WITH_INPUT, PART, said=f"a{following}\n").strip()
    leader = operator.wait_for_leader()
    operator.namespace.kubectl("delete", "pod", leader, "--grace-period=0", "--force")
    cluster.namespace.patch(cluster.name, paused=False)
    cluster.done("2")
    cluster.end(story)
    return finished(story, went_on=story.new_cookie == f"a{following}")


def frozen(cluster: Cluster) -> Story:
    story = cluster.begin()
    victim, fault = cluster.pods()[-1], cluster.namespace.kubernetes.fault
    fault.freeze(f"{cluster.namespace.name}/{victim}")
    try:
        cluster.ask("3")
        story.seen["told"] = cluster.condition("Reconciling", "RotationWaiting").get("message", "")
        untouched = cluster.cookie() == story.cookie
    finally:
        fault.thaw(f"{cluster.namespace.name}/{victim}")
    cluster.done("3")
    return finished(cluster.end(story), untouched=untouched)


def not_probed(cluster: Cluster) -> Story:
    """Without a way to the nodes; the strategy of this example is Recreate, so that needs no permission."""
    story = cluster.begin()
    cluster.namespace.patch(cluster.name, mesh={"probe": "Disabled"})
    cluster.ask("4")
    cluster.done("4")
    cluster.namespace.wait_until_ready(cluster.name)
    return cluster.end(story)


def the_users_own(cluster: Cluster) -> Story:
    story = cluster.begin()
    cluster.namespace.kubectl(
        *("patch", "secret", cluster.secret, "--patch-file=/dev/stdin"),
        input=f'{{"stringData": {{"cookie": "mine_{secrets.token_hex(20)}"}}}}',
    )
    events = ("get", "events", "--field-selector=reason=CookieRotated", "-o", "name")
    followed = comes_true(lambda: cluster.namespace.kubectl(*events), 60)
    return finished(cluster.end(story), followed=followed)


def deleted(cluster: Cluster) -> Story:
    story = cluster.begin()
    uid = cluster.namespace.get("secret", cluster.secret)["metadata"]["uid"]
    cluster.namespace.kubectl("delete", "secret", cluster.secret)
    present = ("get", "secret", cluster.secret, "--ignore-not-found", "-o", "jsonpath={.metadata.uid}")
    remade = comes_true(lambda: cluster.namespace.kubectl(*present) not in {"", uid}, 60)
    cluster.namespace.wait_until_ready(cluster.name)
    return finished(cluster.end(story), remade=remade)


def finished(story: Story, **facts: bool) -> Story:
    story.seen |= {fact: "yes" for fact, holds in facts.items() if holds}
    return story


def told(stories: dict[str, Future[Story]], name: str) -> Story:
    try:
        return stories[name].result()
    except UnsupportedError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", ["asked for", "half done", "frozen", "the user's own"])
def test_running_nodes_get_another_cookie_and_nothing_restarts(stories, name):
    story = told(stories, name)
    assert story.nothing_restarted
    assert story.new_cookie != story.cookie
    assert story.meshed


def test_no_node_loses_another_meanwhile(stories):
    assert "{lost," not in told(stories, "asked for").seen["logs"]


def test_the_earlier_cookie_is_refused_and_the_one_in_the_file_is_not(stories):
    story = told(stories, "asked for")
    # Elixir 1.15 says the second.
    assert any(word in story.seen["with the earlier cookie"] for word in ("nodedown", "noconnection"))
    assert story.seen["with the file"] == "42"


def test_nodes_that_lose_each_other_afterwards_and_nodes_that_come_find_the_others(stories):
    assert (
        told(stories, "asked for").seen.items()
        >= {"apart": "apart", "together_again": "yes", "with_one_more": "yes"}.items()
    )


def test_another_operator_goes_on_where_one_has_ended(stories):
    """And nodes that had lost each other, of which one had the new cookie already, are connected again."""
    story = told(stories, "half done")
    assert story.seen == {"apart": "apart", "went_on": "yes"}
    assert story.meshed


def test_a_node_that_does_not_answer_is_waited_for_and_all_keep_their_cookie(stories):
    story = told(stories, "frozen")
    assert f"{list(story.before)[-1]}: " in story.seen["told"]
    assert story.seen["untouched"]


def test_where_nobody_can_be_asked_all_nodes_stop_before_one_starts_with_the_new_cookie(stories):
    story = told(stories, "not probed")
    assert set(story.before.values()).isdisjoint(story.after.values())
    assert story.new_cookie != story.cookie
    assert story.meshed


def test_the_users_secret_is_followed(stories):
    assert told(stories, "the user's own").seen == {"followed": "yes"}


def test_a_secret_that_was_deleted_comes_back_with_the_cookie_that_the_nodes_have(stories):
    story = told(stories, "deleted")
    assert story.seen == {"remade": "yes"}
    assert story.new_cookie == story.cookie
    assert story.nothing_restarted
    assert story.meshed
