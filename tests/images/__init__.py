"""The images that the tests and the demo run: built once, kept as archives, with Docker or without.

python -m tests.images build all
archive("chat")  # the same from Python: the path of an archive to load into a cluster
"""

from .build import archive
from .catalogue import IMAGES, Image

__all__ = ["IMAGES", "Image", "archive"]
