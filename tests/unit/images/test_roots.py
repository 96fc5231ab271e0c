"""The files of an image, from the layers of its archive."""

from __future__ import annotations

import io
import json
import tarfile

from tests.images.roots import unpack


def tar(files):
    """A tar of files by name; one that ends with a slash is a folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            if name.endswith("/"):
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def test_a_layer_adds_replaces_and_removes_what_is_below(tmp_path):
    below = {"etc/": b"", "etc/kept": b"1", "etc/replaced": b"1", "etc/gone": b"1", "lists/": b"", "lists/one": b"1"}
    above = {"etc/.wh.gone": b"", "etc/replaced": b"2", "etc/added": b"2", ".wh.lists": b""}
    opaque = {"cache/": b"", "cache/old": b"1"}, {"cache/": b"", "cache/.wh..wh..opq": b"", "cache/new": b"2"}
    layers = {"a/layer.tar": tar(below | opaque[0]), "b/layer.tar": tar(above | opaque[1])}
    manifest = json.dumps([{"Layers": list(layers)}]).encode()
    (tmp_path / "image.tar").write_bytes(tar({**layers, "manifest.json": manifest}))
    unpack(tmp_path / "image.tar", tmp_path / "root")
    found = {
        str(file.relative_to(tmp_path / "root")): file.read_text()
        for file in (tmp_path / "root").rglob("*")
        if file.is_file()
    }
    assert found == {"etc/kept": "1", "etc/replaced": "2", "etc/added": "2", "cache/new": "2"}
