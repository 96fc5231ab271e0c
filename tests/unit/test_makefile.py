"""What `make` does of what it shows."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_dry_run_of_the_tests_builds_nothing(tmp_path):
    """A line that has `$(MAKE)` in it is run also by `make -n`, and with it stood all that was to be built."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    python, ran = tmp_path / ".venv" / "bin" / "python", tmp_path / "ran"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\ntouch {ran}\n")
    python.chmod(0o755)
    for name in ("requirements-dev.lock", "pyproject.toml", ".venv/ready"):
        (tmp_path / name).touch()
    shown = subprocess.run(["make", "-n", "test"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert "tests.suites run" in shown
    assert not ran.exists()
