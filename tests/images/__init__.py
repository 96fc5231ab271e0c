"""The images that the tests and the demo run: built once, kept as archives, with Docker or without.

python -m tests.images build all
archive("chat")  # the same from Python: the path of an archive to load into a cluster
erlang(BOOKWORM)  # a folder to have in PATH, with the Erlang of an image
"""

from .build import archive
from .catalogue import IMAGES, Image, named
from .roots import erlang, inside
from .steps import UnavailableError
from .suites import BOOKWORM, SUITES, TRIXIE, UNSTABLE, USUAL, Suite

__all__ = [
    "BOOKWORM",
    "IMAGES",
    "SUITES",
    "TRIXIE",
    "UNSTABLE",
    "USUAL",
    "Image",
    "Suite",
    "UnavailableError",
    "archive",
    "erlang",
    "inside",
    "named",
]
