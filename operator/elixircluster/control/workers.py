"""Workers: from the queue to reconcile, and one place where an outcome becomes requeue, backoff and metric."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time

from elixircluster.api.resource import Key
from elixircluster.control.leader import NotLeadingError
from elixircluster.control.queue import Queue
from elixircluster.control.reconcile import Reconciler
from elixircluster.errors import Retry
from elixircluster.telemetry import metrics
from elixircluster.telemetry.log import reconcile_id, resource

logger = logging.getLogger(__name__)

LEAST_SECONDS = 1.0
"""What is due now is not looked at more often than this, while the world is not there yet."""


async def work(queue: Queue, reconciler: Reconciler) -> None:
    """Take keys from the queue until cancelled."""
    active = metrics.active_workers.labels(metrics.CONTROLLER)
    while True:
        key = await queue.get()
        with active.track_inprogress():
            result = await attempt(queue, reconciler, key)
        metrics.reconcile_total.labels(metrics.CONTROLLER, result).inc()
        queue.done(key)


async def attempt(queue: Queue, reconciler: Reconciler, key: Key) -> str:
    """One reconcile and what follows from it. Returns the result for the metric."""
    resource.set(str(key))
    reconcile_id.set(secrets.token_hex(4))
    started = time.perf_counter()
    try:
        outcome = await reconciler.reconcile(key)
    except Retry as retry:
        # Told when, that is when; else it grows, as with every error.
        seconds = queue.again(key, retry.after) if retry.after else queue.retry(key)
        if retry.again is not None:
            queue.add_after(key, max(retry.again, LEAST_SECONDS))
        logger.info("again in %.1f s: %s", seconds, retry)
        return "requeue_after"
    except NotLeadingError:
        logger.warning("not leading any more, nothing was written")
        return "error"
    except Exception:
        seconds = queue.retry(key)
        logger.exception("reconcile failed, again in %.1f s", seconds)
        metrics.reconcile_errors.labels(metrics.CONTROLLER).inc()
        return "error"
    finally:
        metrics.reconcile_time.labels(metrics.CONTROLLER).observe(time.perf_counter() - started)
    queue.forget(key)
    if outcome.again is not None:
        queue.add_after(key, outcome.again)
    if outcome.result == "stalled":
        metrics.terminal_errors.labels(metrics.CONTROLLER).inc()
    return outcome.result


async def start(queue: Queue, reconciler: Reconciler, count: int) -> None:
    """Run `count` workers until cancelled."""
    metrics.max_workers.labels(metrics.CONTROLLER).set(count)
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(work(queue, reconciler))
