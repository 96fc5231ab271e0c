"""What is to be done about a migration. Pure.

The Job is the record of an attempt: its name follows from the spec, so that whoever tries the same thing again finds
it. That an image has been migrated is in status, too, and counts whatever becomes of its Job.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from elixircluster.api.resource import ElixirCluster
from elixircluster.api.status import MOST_IMAGES
from elixircluster.errors import Retry, Stalled
from elixircluster.observed.job import COMPLETE, FAILED, Job
from elixircluster.render.migration import attempt

Status = dict[str, Any]

MIGRATING, MIGRATION_FAILED = "Migrating", "MigrationFailed"
LOOK_SECONDS = 30.0
"""News of a Job come sooner."""
PENDING, RUNNING = "Pending", "Running"


class Step(NamedTuple):
    """What is to be done, and why the nodes are to wait, if they are."""

    trouble: Stalled | Retry | None = None
    create: bool = False
    remove: tuple[Job, ...] = ()


def step(cluster: ElixirCluster, jobs: Sequence[Job]) -> Step:
    """The next step to nodes of this spec."""
    outdated = tuple(job for job in jobs if is_outdated(cluster, job))
    if cluster.spec.migration is None or is_migrated(cluster, jobs):
        return Step(remove=outdated)
    own = next((job for job in jobs if job.attempt == attempt(cluster)), None)
    if own is None and (running := next((job for job in jobs if not job.result), None)):
        return instead_of(running, cluster.spec.image)
    if own is None:
        return Step(wait(f"the migration of {cluster.spec.image} begins"), True, outdated)
    if own.result == FAILED:
        return Step(failed(cluster, own), remove=tuple(job for job in outdated if job is not own))
    return Step(ill(own) or wait(f"Job {own.name} migrates for {own.image}{colon(own.told)}"))


def instead_of(running: Job, image: str) -> Step:
    """Two migrations never run at once, and none is ended half-way: one that is under way is waited for."""
    if running.has_not_begun:
        told = f"Job {running.name}, which has not begun, gives way to the migration of {image}"
        return Step(wait(told), remove=(running,))
    return Step(
        wait(f"the migration of {image} waits for the end of Job {running.name}, which is one of {running.image}")
    )


def wait(told: str) -> Retry:
    """No node is changed before."""
    return Retry(MIGRATING, f"{told}; no node is changed before", after=LOOK_SECONDS, held=True)


def failed(cluster: ElixirCluster, job: Job) -> Stalled:
    """Somebody must act."""
    log = f"its log: kubectl logs -n {cluster.namespace} job/{job.name}"
    way_out = f"change the spec, or try again: kubectl elixir retry {cluster.name}"
    return Stalled(MIGRATION_FAILED, f"Job {job.name}{colon(job.told)}; {log}. The nodes are as they were; {way_out}")


def ill(job: Job) -> Stalled | None:
    """A mistake in the image or the spec that shows in its pod, long before Kubernetes gives up."""
    told = ((pod.name, pod.diagnosis) for pod in job.pods if pod.diagnosis)
    return next((Stalled(why.reason, f"pod {name}: {why.advice}") for name, why in told), None)


def colon(told: str) -> str:
    """What is told of something, after its name."""
    return f": {told}" if told else ""


def migrated_images(cluster: ElixirCluster, jobs: Sequence[Job] = ()) -> list[str]:
    """The images whose migration has run, the newest first."""
    known = (cluster.status.get("migration") or {}).get("images") or []
    news = [job.image for job in jobs if job.result == COMPLETE and job.image not in known]
    return list(dict.fromkeys([*news, *known]))[:MOST_IMAGES]


def is_migrated(cluster: ElixirCluster, jobs: Sequence[Job]) -> bool:
    """Whether the migration of the image has run."""
    return cluster.spec.image in migrated_images(cluster, jobs)


def is_outdated(cluster: ElixirCluster, job: Job) -> bool:
    """Whether a Job tells nothing any more: the last one that has run stays, and so does its log."""
    if not job.result:
        return job.has_not_begun
    return job.result == FAILED or (job.image != cluster.spec.image and job.image in migrated_images(cluster))


def told(cluster: ElixirCluster, jobs: Sequence[Job]) -> Status:
    """`status.migration`; empty where there is nothing to tell."""
    images = migrated_images(cluster, jobs)
    remembered = {"images": images} if images else {}
    if cluster.spec.migration is None:
        return remembered
    image = cluster.spec.image
    complete = (job for job in jobs if (job.image, job.result) == (image, COMPLETE))
    job = next(complete, None) or next((job for job in jobs if job.attempt == attempt(cluster)), None)
    if job is not None:
        return {"image": image, **entry(job), **remembered}
    earlier = {key: value for key, value in (cluster.status.get("migration") or {}).items() if key != "images"}
    if image in images:
        known = earlier if (earlier.get("image"), earlier.get("result")) == (image, COMPLETE) else {}
        return {"image": image, "result": COMPLETE, **known, **remembered}
    return {"image": image, "result": PENDING, **remembered}


def entry(job: Job) -> Status:
    """How an attempt stands."""
    said = {
        "job": job.name,
        "result": job.result or RUNNING,
        "startedAt": job.started_at,
        "endedAt": job.ended_at,
        "message": "" if job.result == COMPLETE else job.told,
    }
    return {key: value for key, value in said.items() if value}
