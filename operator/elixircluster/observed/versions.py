"""Which of two views of an object is newer."""

from __future__ import annotations


def is_older(version: str, than: str) -> bool:
    """Resource versions are numbers to compare: KEP-5504, and in fact ever since etcd 3. Nothing is older than any."""
    return len(version) < len(than) or (len(version) == len(than) and version < than)
