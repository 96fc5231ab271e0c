"""Write what is generated from the models: the CRD, the chart's copy of it and the reference page.

python -m scripts.generate            writes what is stale
python -m scripts.generate --check    names what is stale, and fails
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import yaml

from elixircluster.api.crd import crd
from scripts.reference import reference

ROOT = Path(__file__).resolve().parents[1]
CRD = "elixirclusters.yaml"


def generate() -> list[tuple[Path, str]]:
    """Every generated file and what it should hold."""
    definition = yaml.safe_dump(crd(), sort_keys=False, width=110)
    return [
        (ROOT / "crds" / CRD, definition),
        (ROOT / "deploy" / "helm" / "elixircluster" / "files" / "crd.yaml", definition),
        (ROOT / "docs" / "reference.md", reference()),
    ]


def stale() -> list[tuple[Path, str]]:
    """Those that hold something else."""
    return [(path, text) for path, text in generate() if not path.exists() or path.read_text() != text]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where something is stale")
    check = parser.parse_args().check
    for path, text in stale():
        print(f"{path.relative_to(ROOT)}: {'stale' if check else 'written'}")  # noqa: T201 - a command
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    if check and stale():
        sys.exit("run: make generate")


if __name__ == "__main__":
    main()
