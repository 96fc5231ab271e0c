"""Histories: what users and the world do, step by step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from elixircluster.kube.kinds import WATCHED
from tests.fake.kubelet import MACHINES

Step = tuple[Any, ...]
"""Seconds to wait, an action of `actions.ACTIONS` or `settle`, and its arguments."""


@dataclass(frozen=True)
class History:
    """All that is needed to see it again. `pace` is of `world.PACES`; `probed`: nodes are asked; `mended`: the last
    thing is a good spec.
    """

    steps: tuple[Step, ...]
    seed: int = 0
    pace: str = "instant"
    elects: bool = False
    probed: bool = False
    mended: bool = True


NAMES = ("chat", "chat-1")
"""The second is named as a pod of the first."""
IMAGES = (
    "chat:1",
    "chat:2",
    "chat:3",
    "chat:broken",
    "chat:flaky",
    "chat:slow",
    "chat:hung",
    "chat:late",
    "chat:unfit",
)
CHILDREN = (
    "StatefulSet",
    "ConfigMap",
    "Service",
    "PodDisruptionBudget",
    "NetworkPolicy",
    "ServiceAccount",
    "Secret",
    "Job",
)
STREAMS = ("ElixirCluster", *(kind.kind for kind in WATCHED))

SECONDS = st.sampled_from((0.0, 0.0, 0.01, 0.05, 0.3, 0.5, 1.0, 3.0, 3.1, 5.0, 20.0, 60.0))
NAME = st.sampled_from((*NAMES, *["chat"] * 4))
SIZES = st.sampled_from((0, 1, 2, 3, 3, 4, 5))
STRATEGIES = st.sampled_from(("Rolling", "Rolling", "Recreate"))
PORTS = st.sampled_from((6789, 6790))
LABELS = st.sampled_from(("app.kubernetes.io/managed-by", "elixircluster.dev/cluster", "app.kubernetes.io/name"))

GAPS = st.sampled_from((0.1, 2.0, 15.0, 60.0))

MENU: dict[str, tuple[st.SearchStrategy[Any], ...]] = {
    "create": (NAME, SIZES, STRATEGIES),
    "image": (NAME, st.sampled_from(IMAGES)),
    "scale": (NAME, SIZES),
    "image_and_scale": (NAME, st.sampled_from(IMAGES), SIZES),
    "strategy": (NAME, STRATEGIES),
    "canary": (NAME, st.sampled_from((0, 1, 1, 2))),
    "port": (NAME, PORTS),
    "migrate": (NAME, st.sampled_from((True, True, False))),
    "retry": (NAME,),
    "refer": (NAME, st.sampled_from((True, True, False))),
    "settings": (st.sampled_from(("a", "a", "b")),),
    "lose_settings": (),
    "on_failure": (NAME, st.sampled_from(("Rollback", "Rollback", "Pause"))),
    "pause": (NAME, st.booleans()),
    "delete": (NAME,),
    "recreate": (NAME, SIZES),
    "lose_child": (NAME, st.sampled_from(CHILDREN)),
    "orphan_pods": (NAME,),
    "drift": (NAME, st.sampled_from(CHILDREN)),
    "touch_labels": (NAME, st.sampled_from(CHILDREN), LABELS),
    "squat": (NAME, st.sampled_from(CHILDREN)),
    "strange_pod": (NAME, st.booleans()),
    "unready": (NAME, st.integers(0, 4), st.sampled_from((0.5, 3.0, 15.0))),
    "die": (NAME, st.integers(0, 4)),
    "lose_machine": (st.sampled_from(MACHINES),),
    "machine_back": (st.sampled_from(MACHINES),),
    "give_up_machine": (st.sampled_from(MACHINES),),
    "gap": (st.just(()) | st.lists(st.sampled_from(STREAMS), min_size=1, max_size=3).map(tuple), GAPS),
    "quota": (st.sampled_from((None, 0, 1, 2)),),
    "errors": (st.sampled_from((0.0, 0.1, 0.5)),),
    "restart": (),
    "change_leader": (),
    "restore": (st.integers(1, 5),),
    "settle": (),
}
OFTEN = ("image", "scale", "unready", "settle", "settle", "image_and_scale", "die", "gap", "gap", "lose_child")


def steps() -> st.SearchStrategy[Step]:
    """One thing that happens."""
    return st.sampled_from((*MENU, *OFTEN)).flatmap(lambda action: st.tuples(SECONDS, st.just(action), *MENU[action]))


def histories() -> st.SearchStrategy[History]:
    """Each begins with a resource that is made, and mostly comes to rest first."""
    begin = st.tuples(st.just(0.0), st.just("create"), st.just("chat"), SIZES, STRATEGIES)
    calm = st.sampled_from((((0.0, "settle"),), ()))
    whole = st.tuples(begin, calm, st.lists(steps(), max_size=14)).map(lambda part: (part[0], *part[1], *part[2]))
    return st.builds(
        History,
        steps=whole,
        seed=st.integers(0, 2**32 - 1),
        pace=st.sampled_from(("instant", "brisk", "wild")),
        elects=st.sampled_from((False, False, False, True)),
        probed=st.booleans(),
        mended=st.sampled_from((True, True, False)),
    ).map(with_a_lease)


def with_a_lease(history: History) -> History:
    """By its lease an operator knows that etcd went back."""
    return replace(history, elects=history.elects or any(step[1] == "restore" for step in history.steps))
