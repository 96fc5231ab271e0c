"""What became of each revision, and which one is gone back to where a change fails. Pure.

An entry of `status.history` keeps the spec that it was made of, so that an operator that starts, and `kubectl elixir
rollback`, know what to go back to.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from pydantic import ValidationError

from elixircluster.api.resource import ElixirCluster
from elixircluster.api.spec import ElixirClusterSpec
from elixircluster.api.status import LONGEST_SPEC, MOST_REVISIONS
from elixircluster.errors import Stalled
from elixircluster.phase import Context, Result

Entry = dict[str, Any]

PROGRESSING, COMPLETE, FAILED = "Progressing", "Complete", "Failed"
ROLLED_BACK, SUPERSEDED = "RolledBack", "Superseded"

BESIDE = frozenset({"replicas", "paused", "update"})
"""Fields that say nothing of what a node is: they are as they are now, whatever is gone back to."""


class Standing(NamedTuple):
    """How the newest revision stands: all its nodes are up and meshed, or why it has failed, or neither yet.

    `overdue`: it has got no further for so long that the change ends. `unsure`: what is seen says nothing of it.
    """

    complete: bool = False
    failure: str = ""
    overdue: bool = False
    unsure: bool = False


def spec_of(cluster: ElixirCluster) -> str:
    """What the nodes are made of, as JSON; empty where that is too long to be kept."""
    text = cluster.spec.model_dump_json(by_alias=True, exclude_defaults=True, exclude=set(BESIDE))
    return text if len(text) <= LONGEST_SPEC else ""


async def stand_back(context: Context) -> Result:
    """The phase that tells why the nodes are not as the resource wants them: that has failed."""
    failed = context.cluster.failed
    return Result(Stalled(ROLLED_BACK, failed)) if failed else Result()


def in_force(cluster: ElixirCluster) -> ElixirCluster:
    """The resource as its nodes are to be: where what it wants has failed, as it was before."""
    if not stood_back_from(cluster.status):
        return cluster
    entries, wanted = entries_of(cluster), spec_of(cluster)
    for index, entry in enumerate(entries):
        if entry["result"] == ROLLED_BACK and entry.get("spec") == wanted:
            good = last_good(entries[index + 1 :], entry)
            if good and (spec := restored(cluster, good["spec"])):
                return replace(cluster, spec=spec, failed=told(entry, good))
    return cluster


def is_promoted(cluster: ElixirCluster, revision: str) -> bool:
    """Whether a revision may go to all nodes: somebody has said so, or all were of it once."""
    complete = {entry["revision"] for entry in entries_of(cluster) if entry["result"] == COMPLETE}
    return revision in {cluster.promoted, *complete}


def last_good(entries: Sequence[Entry], instead_of: Entry | None = None) -> Entry | None:
    """The newest revision, of these, whose nodes were all up and meshed. One of the same spec is no way back."""
    wanted = instead_of or {}
    good = (entry for entry in entries if entry["result"] == COMPLETE and entry.get("spec"))
    others = (entry for entry in good if entry["revision"] != wanted.get("revision"))
    return next((entry for entry in others if entry["spec"] != wanted.get("spec")), None)


def restored(cluster: ElixirCluster, text: str) -> ElixirClusterSpec | None:
    """The spec of an entry, with what is beside as it is now. None where this operator cannot read it any more."""
    spec = cluster.spec
    try:
        kept = ElixirClusterSpec.model_validate(json.loads(text), strict=True)
    except (ValidationError, ValueError):
        return None
    return kept.model_copy(update={name: getattr(spec, name) for name in BESIDE})


def told(failed: Entry, good: Entry) -> str:
    """For the user."""
    back = f"revision {good['revision']} ({good['image']}) is in its place"
    way_out = "change the spec, or take the change back"
    why = failed.get("message", "")
    return f"revision {failed['revision']} ({failed['image']}) has failed, {back}; {way_out}. {why}".rstrip()


def recorded(cluster: ElixirCluster, revision: str, standing: Standing, now: str) -> list[Entry]:
    """`status.history`, newest first, with how the newest revision stands."""
    entries = [entry if cluster.failed else forgiven(entry) for entry in entries_of(cluster)]
    if not revision:
        return entries
    if not entries or entries[0]["revision"] != revision:
        begun = {"revision": revision, "image": "", "startedAt": now, "result": PROGRESSING}
        entries = [begun, *(left(entry, now) for entry in entries)]
    head, others = entries[0], entries[1:]
    if head["result"] == ROLLED_BACK:
        # What takes its place is yet to be written.
        return entries
    spec = spec_of(cluster)
    head = {key: value for key, value in head.items() if key != "spec"} | ({"spec": spec} if spec else {})
    head["image"] = cluster.spec.image
    goes_back = cluster.spec.update.on_failure == "Rollback" and not cluster.failed
    can_go_back = bool(goes_back and spec and last_good(others, head))
    return shortened([judged(head, standing, now, goes_back=can_go_back), *others])


def judged(entry: Entry, standing: Standing, now: str, *, goes_back: bool) -> Entry:
    """How the newest one stands. What was complete once stays so, whatever becomes of its nodes later."""
    if standing.unsure:
        return entry
    result, message = PROGRESSING, ""
    if standing.complete or entry["result"] == COMPLETE:
        result = COMPLETE
    elif standing.failure:
        result, message = ROLLED_BACK if goes_back and standing.overdue else FAILED, standing.failure
    if (entry["result"], entry.get("message", "")) == (result, message):
        return entry
    kept = {key: value for key, value in entry.items() if key not in {"result", "message", "endedAt"}}
    ended = {} if result == PROGRESSING else {"endedAt": now}
    return {**kept, "result": result, **ended, **({"message": message} if message else {})}


def left(entry: Entry, now: str) -> Entry:
    """One that another has taken the place of."""
    return {**entry, "result": SUPERSEDED, "endedAt": now} if entry["result"] == PROGRESSING else entry


def forgiven(entry: Entry) -> Entry:
    """One that is not stood back from any more: wanted again, it is tried again."""
    return {**entry, "result": FAILED} if entry["result"] == ROLLED_BACK else entry


def shortened(entries: list[Entry]) -> list[Entry]:
    """The newest ten; and the last that was good before the newest, however many have failed since."""
    newest, older = entries[:MOST_REVISIONS], entries[MOST_REVISIONS:]
    good = None if last_good(newest[1:]) else last_good(older)
    return [*newest[:-1], good] if good else newest


def entries_of(cluster: ElixirCluster) -> list[Entry]:
    """What is remembered, newest first."""
    return list(cluster.status.get("history") or [])


def stood_back_from(status: dict[str, Any]) -> list[str]:
    """The revisions that are not in force though they are wanted."""
    return [entry["revision"] for entry in status.get("history") or [] if entry["result"] == ROLLED_BACK]
