"""The migration: what a release does once before nodes of a new image start."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from elixircluster.api.schema import Model, ObjectName, RawObject

Argument = Annotated[str, StringConstraints(min_length=1, max_length=4096)]


class Migration(Model):
    """A command of the release that runs once for an image, as a Job, before the first node of that image starts."""

    command: Annotated[list[Argument], Field(min_length=1, max_length=32)] = Field(
        description="Run in the release's image without a shell, as in [/app/bin/migrate]. It has the env, the files "
        "and the volumes of the nodes, and is none: no name, no distribution, no probes, no disk of theirs."
    )
    env_from: Annotated[list[RawObject], Field(max_length=32)] = Field(
        default_factory=list,
        description="More environment variables from ConfigMaps and Secrets, as in a container: credentials of an "
        "owner of the database, that nodes do not have.",
    )
    service_account_name: ObjectName | None = Field(
        None, description="As whom it runs, instead of as the nodes do. The ServiceAccount must be there."
    )
    backoff_limit: Annotated[int, Field(ge=0, le=10)] = Field(
        0, description="How often it is tried again by itself. After that it waits for another spec, or for a retry."
    )
    timeout_seconds: Annotated[int, Field(ge=1, le=86400)] = Field(
        600, description="After how many seconds it is stopped, and has failed."
    )
