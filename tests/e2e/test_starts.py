"""Releases that boot for long, die late, or lack a variable: what a change to such a one costs, and what is told."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from . import storefront
from .history import History, Moment
from .storefront import NAME, shop, variables
from .user import Namespace, Object, comes_true, is_ready

BOOT = timedelta(seconds=20)
DYING = {"while it boots": {"FAIL_AFTER_MS": 8000}, "soon after": {"CRASH_AFTER_MS": 3000}}
PATIENCE_SECONDS = 300
"""Two busy cores take a minute to boot a node."""
LAST_WORDS = "the catalogue of the shop cannot be loaded"
MISSING = "environment variable SECRET_KEY_BASE is missing"
WAYS: dict[str, Object] = {"without web": {}, "with web": storefront.WEB}


@dataclass
class Start:
    """What was seen of one cluster."""

    moments: list[Moment] = field(default_factory=list)
    before: dict[str, tuple[str, int]] = field(default_factory=dict)
    after: dict[str, tuple[str, int]] = field(default_factory=dict)
    seen: dict[str, Any] = field(default_factory=dict)

    def fewest_ready(self) -> int:
        return min(sum(map(is_ready, moment.pods.values())) for moment in self.moments)

    def last_seen(self) -> dict[str, list[Object]]:
        """Of each pod that was there, by name, how it was seen last."""
        last = {pod["metadata"]["uid"]: pod for moment in self.moments for pod in moment.pods.values()}
        pods: dict[str, list[Object]] = {}
        for pod in last.values():
            pods.setdefault(pod["metadata"]["name"], []).append(pod)
        return pods


def milliseconds(time: timedelta) -> int:
    return time // timedelta(milliseconds=1)


def dies(namespace: Namespace, way: Object, when: str) -> Start:
    """It dies twice, which is time enough to take another; then the good revision comes back."""
    running(namespace, replicas=2, **way)
    start = Start(before=namespace.lives(NAME))
    with History(namespace, NAME) as history:
        namespace.patch(NAME, env=variables(**DYING[when]))
        start.seen["told"] = when == "soon after" or comes_true(
            lambda: LAST_WORDS in messages(namespace), PATIENCE_SECONDS
        )
        start.seen["died"] = comes_true(lambda: namespace.lives(NAME).get("shop-1", ("", 0))[1] >= 2, PATIENCE_SECONDS)
        start.seen["ready"] = namespace.condition(NAME, "Ready")
        start.seen["meanwhile"] = namespace.lives(NAME)
        namespace.patch(NAME, env=variables())
        namespace.wait_until_ready(NAME, PATIENCE_SECONDS)
    return finished(start, namespace, history)


def boots_long(namespace: Namespace, way: Object) -> Start:
    running(namespace, replicas=2, **way)
    start = Start(before=namespace.lives(NAME))
    with History(namespace, NAME) as history:
        namespace.patch(NAME, image=storefront.NEW_IMAGE, env=variables(BOOT_MS=milliseconds(BOOT)))
        namespace.wait_until_ready(NAME, PATIENCE_SECONDS)
    return finished(start, namespace, history)


def lacks_a_variable(namespace: Namespace, way: Object) -> Start:
    """It was forgotten from the first day on; then it is there."""
    namespace.apply(storefront.secret_key_base(), shop(replicas=1, secret=False, **way))

    start = Start()
    start.seen["told"] = comes_true(lambda: MISSING in messages(namespace), PATIENCE_SECONDS)
    namespace.patch(NAME, env=variables())
    namespace.wait_until_ready(NAME, PATIENCE_SECONDS)
    return start


def messages(namespace: Namespace) -> str:
    """Of the conditions and the nodes: all that a person reads there."""
    status = namespace.get("elixircluster", NAME).get("status") or {}
    told = [*status.get("conditions", []), *status.get("nodes", [])]
    return " ".join(each.get("message", "") for each in told)


def running(namespace: Namespace, **spec: Any) -> None:
    namespace.apply(storefront.secret_key_base(), shop(**spec))
    namespace.wait_until_ready(NAME, PATIENCE_SECONDS)


def finished(start: Start, namespace: Namespace, history: History) -> Start:
    start.after = namespace.lives(NAME)
    start.moments = list(history.moments())
    return start


DEATHS = [(when, way) for when in DYING for way in WAYS]


@pytest.fixture(scope="module")
def starts(operator, namespaces, side_by_side) -> dict[tuple[str, ...], Future[Start]]:
    """How each story goes: what happens, in which way it is run, and maybe when."""

    stories: dict[tuple[str, ...], Callable[..., Start]] = {
        **{("dies", way, when): dies for when, way in DEATHS},
        **{("boots long", way): boots_long for way in WAYS},
        **{("lacks a variable", way): lacks_a_variable for way in WAYS},
    }
    return {
        (name, way, *more): side_by_side(story, namespaces(f"starts-{number}"), WAYS[way], *more)
        for number, ((name, way, *more), story) in enumerate(stories.items())
    }


@pytest.mark.parametrize(("when", "way"), DEATHS)
def test_a_release_that_dies_takes_the_first_node_only(starts, when, way):
    """The port for distribution is open before the applications start: one after the other all nodes were taken."""
    start = starts["dies", way, when].result()
    assert start.seen["died"]
    assert start.seen["meanwhile"]["shop-0"] == start.before["shop-0"] == start.after["shop-0"]
    assert start.fewest_ready() == 1


@pytest.mark.parametrize(("when", "way"), DEATHS)
def test_a_release_that_dies_is_not_told_as_one_that_runs(starts, when, way):
    """Status said Ready, UpToDate and FullMesh."""
    seen = starts["dies", way, when].result().seen
    assert seen["ready"]["status"] == "False"
    assert "shop-1" in seen["ready"]["message"]
    assert seen["told"]


@pytest.mark.parametrize("way", WAYS)
def test_a_release_that_boots_for_long_is_waited_for_node_by_node(starts, way):
    start = starts["boots long", way].result()
    pods = start.last_seen()
    (first, first_new), (second, second_new) = (sorted(pods[name], key=created) for name in ("shop-1", "shop-0"))
    assert running_since(first_new) + BOOT <= deleted(second)
    assert running_since(second_new) + BOOT <= ready_since(start.moments[-1].cluster)
    assert deleted(first) < deleted(second)
    assert start.fewest_ready() == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_variable_that_is_missing_is_told_in_the_words_of_the_release(starts, way):
    assert starts["lacks a variable", way].result().seen["told"]


def created(pod: Object) -> datetime:
    return datetime.fromisoformat(pod["metadata"]["creationTimestamp"])


def deleted(pod: Object) -> datetime:
    """When somebody asked for it; Kubernetes writes when its time is over."""
    metadata = pod["metadata"]
    over = datetime.fromisoformat(metadata["deletionTimestamp"])
    return over - timedelta(seconds=metadata["deletionGracePeriodSeconds"])


def running_since(pod: Object) -> datetime:
    (app,) = (status for status in pod["status"]["containerStatuses"] if status["name"] == "app")
    return datetime.fromisoformat(app["state"]["running"]["startedAt"])


def ready_since(cluster: Object) -> datetime:
    (ready,) = (each for each in cluster["status"]["conditions"] if each["type"] == "Ready")
    return datetime.fromisoformat(ready["lastTransitionTime"])
