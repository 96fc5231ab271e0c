"""The matrix as an SVG: the nodes on a circle, a line for each link. Readable on light and on dark ground."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import combinations
from typing import NamedTuple

from elixircluster.plugin.matrix import Matrix, Sight

SIZE = 640
MIDDLE = SIZE / 2
GAP = 8
WIDEST, NARROWEST = 220.0, 120.0
"""Radius of the circle, as far as the names beside it leave room."""
LETTER = 0.6
"""How wide a letter is, of its height."""
TEXT = "#7d8590"
LINK, ONE_WAY, MISSING = "#7d8590", "#d29922", "#e5534b"
ISLANDS = ("#2f81f7", "#a371f7", "#3fb950", "#db6d28", "#db61a2", "#39c5cf")
NO_ANSWER = "#7d8590"
LONGEST_TITLE = 110
MOST_LINKED = 60
"""Nodes with more than these are so many that links would make one grey disc: only what is wrong is drawn."""


class Point(NamedTuple):
    """A place in the picture."""

    x: float
    y: float


@dataclass(frozen=True)
class Circle:
    """How large everything is, so that all names have room."""

    count: int
    radius: float
    disc: float
    letters: float

    def place(self, number: int, beyond: float = 0) -> Point:
        """Where a node stands, the first at the top; or a point so far outside of it."""
        angle = 2 * math.pi * number / self.count - math.pi / 2
        radius = self.radius + beyond
        return Point(MIDDLE + radius * math.cos(angle), MIDDLE + 10 + radius * math.sin(angle))


def circle(mesh: Matrix) -> Circle:
    """A circle for these nodes."""
    count = max(len(mesh.pods), 1)
    longest = max(map(len, mesh.pods), default=1)
    disc = max(3.0, min(14.0, 300 / count))
    beside = MIDDLE - disc - 2 * GAP
    letters = max(5.0, min(15.0, 500 / count, (beside - NARROWEST) / (LETTER * longest)))
    radius = max(NARROWEST, min(WIDEST, beside - LETTER * letters * longest))
    return Circle(count, radius, disc, letters)


def picture(title: str, mesh: Matrix) -> str:
    """The text of an SVG file."""
    sizes = circle(mesh)
    places = {pod: sizes.place(number) for number, pod in enumerate(mesh.pods)}
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" role="img" font-family="sans-serif">',
        f"<title>{escape(title)}</title>",
        headline(title),
        *links(mesh, places),
        *nodes(mesh, sizes),
        *legend(mesh),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def headline(title: str) -> str:
    """The title above, as large as its length allows."""
    shown = title if len(title) <= LONGEST_TITLE else f"{title[: LONGEST_TITLE - 1]}…"
    size = min(18.0, 1150 / len(shown)) if shown else 18.0
    return (
        f'<text x="{MIDDLE:g}" y="28" text-anchor="middle" font-size="{size:.1f}" fill="{TEXT}">{escape(shown)}</text>'
    )


def links(mesh: Matrix, places: dict[str, Point]) -> Iterator[str]:
    """A line for each two nodes of which something is known."""
    for one, other in combinations(mesh.pods, 2):
        style = link_style({mesh.rows[one][other], mesh.rows[other][one]}, len(mesh.pods))
        if style:
            a, b = places[one], places[other]
            yield f'<line x1="{a.x:.1f}" y1="{a.y:.1f}" x2="{b.x:.1f}" y2="{b.y:.1f}" {style}/>'


def link_style(said: set[Sight], count: int) -> str:
    """How a link is drawn, from what its two ends say; empty for one that is not."""
    if said == {Sight.SEES, Sight.MISSES}:
        return f'stroke="{ONE_WAY}" stroke-width="2" stroke-dasharray="2 4"'
    if Sight.MISSES in said:
        return f'stroke="{MISSING}" stroke-width="1.5" stroke-dasharray="7 6"'
    if Sight.SEES in said and count <= MOST_LINKED:
        return f'stroke="{LINK}" stroke-width="{1.5 if count <= 20 else 0.5}" stroke-opacity="0.7"'
    return ""


def nodes(mesh: Matrix, sizes: Circle) -> Iterator[str]:
    """A disc for each node in the colour of its island, and its pod's name outside of the circle."""
    for number, pod in enumerate(mesh.pods):
        point, label = sizes.place(number), sizes.place(number, sizes.disc + GAP)
        anchor = "middle" if abs(label.x - MIDDLE) < 20 else "start" if label.x > MIDDLE else "end"
        # Beside a disc at its height; above or below it clear of it.
        lift = 0.35 + (0.4 * math.copysign(1, label.y - MIDDLE) if anchor == "middle" else 0)
        yield f'<circle cx="{point.x:.1f}" cy="{point.y:.1f}" r="{sizes.disc:.1f}" {disc(mesh, pod)}/>'
        yield (
            f'<text x="{label.x:.1f}" y="{label.y + lift * sizes.letters:.1f}" text-anchor="{anchor}"'
            f' font-size="{sizes.letters:.1f}" fill="{TEXT}">{escape(pod)}</text>'
        )


def disc(mesh: Matrix, pod: str) -> str:
    """Filled in the colour of the island; hollow where the node did not answer."""
    number = mesh.islands.get(pod)
    if number is None:
        return f'fill="none" stroke="{NO_ANSWER}" stroke-width="2" stroke-dasharray="3 3"'
    return f'fill="{ISLANDS[number % len(ISLANDS)]}"'


def legend(mesh: Matrix) -> Iterator[str]:
    """The meaning of what is in the picture and not plain."""
    said = {frozenset({mesh.rows[a][b], mesh.rows[b][a]}) for a, b in combinations(mesh.pods, 2)}
    meanings = []
    if any(Sight.MISSES in both and Sight.SEES not in both for both in said):
        meanings.append((MISSING, "not connected"))
    if frozenset({Sight.SEES, Sight.MISSES}) in said:
        meanings.append((ONE_WAY, "seen by one end only"))
    if mesh.split:
        meanings.append((TEXT, f"{len(set(mesh.islands.values()))} islands, a colour each"))
    if len(mesh.islands) < len(mesh.pods):
        meanings.append((TEXT, "hollow: did not answer"))
    for number, (colour, words) in enumerate(meanings):
        y = SIZE - 14 - 18 * (len(meanings) - 1 - number)
        yield f'<text x="16" y="{y}" font-size="13" fill="{colour}">{escape(words)}</text>'
