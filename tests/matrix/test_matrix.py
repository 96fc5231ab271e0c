"""Each cell: nodes that see each other, or do not, or a refusal, as it should be."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from tests.cluster import KubectlError
from tests.e2e.user import Namespace, comes_true

from .cells import REFUSED_IPV6, SAMPLE, Cell, cells
from .conftest import CAMPAIGN, KNOWS_FAMILIES, ensure_available, remove
from .lab import FACTS, Nodes, epmd_ports, squeeze
from .report import Report

CELLS = tuple(cells()) if CAMPAIGN else SAMPLE


def can_run(cell: Cell) -> bool:
    # A refusal needs no network of that family.
    return cell.family == "IPv4" or cell.outcome == "refused" or KNOWS_FAMILIES


@pytest.fixture(scope="module")
def report():
    """What became of each cell; a campaign writes it down."""
    report = Report()
    yield report
    print("\n" + report.text())
    if CAMPAIGN:
        report.write()


@pytest.fixture(scope="module")
def stories(request, families, namespaces, side_by_side: Callable[..., Future[Any]]):
    """The cells of this run, a few at a time."""
    chosen = [item.callspec.params["cell"] for item in request.session.items if item.path == request.path]

    def tell(cell: Cell) -> str:
        ensure_available(cell.image)
        kubernetes = families("IPv4" if cell.outcome == "refused" else cell.family)
        namespace = namespaces(kubernetes, str(cell))
        try:
            return story(cell, namespace)
        finally:
            with contextlib.suppress(KubectlError):
                remove(namespace)

    futures = {cell: side_by_side(tell, cell) for cell in chosen if can_run(cell)}
    yield futures
    for future in futures.values():
        future.cancel()


def story(cell: Cell, namespace: Namespace) -> str:
    """Apply the cell's resource and look at its nodes. Returns what it came to."""
    nodes = Nodes(namespace, str(cell), cell.runtime)
    if cell.outcome == "refused":
        with pytest.raises(KubectlError, match=REFUSED_IPV6):
            namespace.apply(cell.resource())
        return "refused"
    namespace.apply(cell.resource())
    namespace.wait_until_ready(nodes.name, 300)
    if cell.outcome == "connected":
        assert nodes.connected(3), nodes.views()
    elif cell.outcome == "alone":
        views = nodes.views()
        assert len(views) == 3, views
        assert not any(views.values()), views
    check_flags(cell, nodes)
    check_console(nodes)
    # Where it is another one, Debian unstable has moved on: tests/images/suites.py.
    assert comes_true(lambda: nodes.otp_releases() == {str(cell.suite.otp)}, 30), nodes.otp_releases()
    return cell.outcome


def check_flags(cell: Cell, nodes: Nodes) -> None:
    """One protocol and one port: given twice, each would be none. And the topology is where a library looks for it."""
    said = squeeze(nodes.evaluate(f"{nodes.name}-0", FACTS))
    protocol = "error" if cell.protocol == "inet_tcp" else f'{{ok,[["{cell.protocol}"]]}}'
    modules = f"['{cell.module}']" if cell.module else "[]"
    assert f"{{facts,{protocol},{epmd_ports(cell.epmd)},{modules},'{cell.release}@" in said, said


def check_console(nodes: Nodes) -> None:
    """The status' command opens a shell on the node."""
    first = nodes.namespace.get("elixircluster", nodes.name)["status"]["nodes"][0]["node"]
    # Not what was typed, which the terminal shows as well.
    keys, wanted = ("{6 * 7, node()}", f'{{42, :"{first}"}}')
    if nodes.runtime != "Mix":
        keys, wanted = f"{keys}.", f"{{42,'{first}'}}"
    said: list[str] = []

    def opens() -> bool:
        said.append(nodes.type_into_console(keys, wanted))
        return squeeze(wanted) in squeeze(said[-1])

    # With TLS, five of seven first tries gave no answer while forty processes wanted two cores: whether a handshake's
    # seven seconds were over is a guess.
    assert comes_true(opens, 120), said


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_cell_comes_to_what_it_should(cell, stories, report):
    if cell not in stories:
        report.add(cell, "not run")
        pytest.skip("the test cluster cannot be in IPv6 here")
    try:
        report.add(cell, stories[cell].result())
    except pytest.skip.Exception:
        report.add(cell, "not run")
        raise
    except BaseException as error:
        print(f"{cell}: {error}")
        report.add(cell, "FAILED")
        raise
