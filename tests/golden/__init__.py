"""What is rendered for a dozen resources, kept as files, so that a change of it is seen in a review.

python -m tests.golden    writes the files anew
"""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from elixircluster.cli import main

FOLDER = Path(__file__).parent
ENDING = ".golden.yaml"


def names() -> list[str]:
    """The resources that there are."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml") if not path.name.endswith(ENDING))


def rendered(name: str) -> str:
    """What `elixircluster render` prints for a resource."""
    result = CliRunner().invoke(main, ["render", "-f", str(FOLDER / f"{name}.yaml")], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def golden(name: str) -> Path:
    """The file that holds what is to be rendered."""
    return FOLDER / f"{name}{ENDING}"
