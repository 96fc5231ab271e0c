"""Programs of a newcomer's laptop that cannot be had where the tests run, as far as the pages and the tests use them.

docker  there is no engine; containers are files in a folder, and `build` builds as the tests build images
kind    there is no Docker to run it in; its machines are such containers, and its Kubernetes is either `kubernetes`,
        which knows Nodes and Leases and little more, or one that is up, into which `load` really loads
mix     Phoenix's packages are not to be had; `phx.new` writes the storefront under the new name, which behaves as what
        Phoenix writes does, and `phx.gen.release --docker` its image and commands

They answer, and fail, in the words of docker 28 and kind v0.33. Whatever else is asked of them fails.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from .engine import FOLDER

__all__ = ["API", "CLUSTER", "PROGRAMS", "install"]

PROGRAMS = ("docker", "kind", "mix")
REPOSITORY = Path(__file__).resolve().parents[2]
CLUSTER, API = "STANDIN_CLUSTER", "STANDIN_API"


def install(folder: Path, programs: tuple[str, ...] = PROGRAMS, **settings: str) -> None:
    """Put them into a folder that is meant to be first on PATH. `settings` are one of CLUSTER, the name of a cluster
    that is up, and API, where `kubernetes` listens."""
    environment = {
        FOLDER: str(folder / "engine"),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(REPOSITORY),
        **settings,
    }
    words = " ".join(f"{name}='{value}'" for name, value in environment.items())
    for program in programs:
        # They are called by the hundred: no module is imported that is not needed to start.
        main = f"import sys; from {__name__}.{program} import main; main(sys.argv[1:])"
        script = folder / program
        script.write_text(f"#!/bin/sh\nexec env {words} {sys.executable} -c '{main}' \"$@\"\n")
        script.chmod(0o755)
