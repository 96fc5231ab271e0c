"""What becomes of a reconcile: from what its phases say to when the resource is looked at again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import aiohttp

from elixircluster.control.apply import refused
from elixircluster.errors import Retry, Stalled
from elixircluster.kube.api import ApiError
from elixircluster.phase import Context, Result

Phase = Callable[[Context], Awaitable[Result]]


class Outcome(NamedTuple):
    """How a reconcile ended, for the metrics, and in how many seconds to look again, if at all."""

    result: str
    again: float | None = None


DONE = Outcome("success")
AGAIN = Outcome("requeue", 0.0)


async def attempt(phase: Phase, context: Context) -> Result:
    """One phase; what it raises for the user or of the API server is a result too."""
    try:
        return await phase(context)
    except (Stalled, Retry) as trouble:
        return Result(trouble, stop=True)
    except ApiError as error:
        return Result(refused(context.cluster, error), stop=True)
    except (aiohttp.ClientError, TimeoutError):
        return Result(Retry("ApiServer"), stop=True)


def weightiest(results: list[Result]) -> Stalled | Retry | None:
    """What the user is told: first what a person must act on, then what has a message."""
    troubles = [result.trouble for result in results if result.trouble]
    return min(troubles, key=lambda trouble: (isinstance(trouble, Retry), not trouble.message), default=None)


def outcome(trouble: Stalled | Retry | None, again: Sequence[float | None], *, news: bool) -> Outcome:
    """How the reconcile ended. `news`: an answer to a write told something since the last look.

    Raises the `Retry` that is waited for, unless there is news to look at first.
    """
    wanted = [*again, trouble.again if isinstance(trouble, Stalled) else None, 0.0 if news else None]
    soonest = min((seconds for seconds in wanted if seconds is not None), default=None)
    if isinstance(trouble, Retry) and not news:
        raise Retry(trouble.reason, trouble.message, after=trouble.after, again=soonest)
    return Outcome("stalled" if trouble else "success", soonest)
