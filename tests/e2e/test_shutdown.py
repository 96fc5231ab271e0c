"""Pods that go: nobody's request is lost, every socket is told to come back, and none takes longer than its node."""

from __future__ import annotations

import time
from concurrent.futures import Future

import pytest

from . import storefront
from .storefront import NAME, Visit, shop
from .user import Namespace, Object, comes_true
from .visitor import SOCKETS

SECONDS_OF_A_STOP = 20
RESTART = "1012"
"""The code by which a client knows that the service is there, at another node."""


@pytest.fixture(scope="module")
def update(operator, namespaces, side_by_side) -> Future[Visit]:
    """What a visitor has seen from before a rolling update of three nodes until every socket is at a new one."""

    def story(namespace: Namespace) -> Visit:
        namespace.apply(storefront.secret_key_base(), shop(**storefront.WEB))
        namespace.wait_until_ready(NAME)
        namespace.apply(*storefront.visitor())
        assert comes_true(lambda: Visit.of(namespace).versions == ["1.0.0"] * SOCKETS, 60)
        namespace.patch(NAME, image=storefront.NEW_IMAGE)
        namespace.wait_until_ready(NAME)
        comes_true(lambda: Visit.of(namespace).versions == ["2.0.0"] * SOCKETS, 30)
        return Visit.of(namespace)

    started: Future[Visit] = side_by_side(story, namespaces("visited"))
    return started


# A shell as process 1 ignores SIGTERM: each took 62 s.
SHELLS: dict[str, tuple[str, str]] = {
    "mix": ("bin/storefront eval 'IO.puts(:migrated)' && bin/server; exit $?", "Mix"),
    "migrating": ("bin/storefront eval 'IO.puts(:migrating); Process.sleep(:infinity)' && bin/server", "Mix"),
    "pond": ("/app/bin/pond foreground; exit $?", "Relx"),
    "tide": ("/app/entrypoint.sh run; exit $?", "Gleam"),
    "reef": ("erl -noshell -pa /app/ebin -s reef; exit $?", "Erl"),
}


def started_by_a_shell(name: str) -> Object:
    """A resource of one node; its name says what is in it."""
    script, runtime = SHELLS[name]
    command = {"command": ["/bin/sh", "-c", script]}
    if runtime == "Mix":
        return shop(replicas=1, release={"name": "storefront", **command})
    return shop(replicas=1, image=f"docker.io/library/{name}:1.0.0", runtime=runtime, release=command)


@pytest.fixture(scope="module")
def stops(operator, namespaces, side_by_side) -> dict[str, Future[tuple[float, list[str]]]]:
    """How long a pod took to stop, and what Kubernetes said of its hook."""

    def story(namespace: Namespace, name: str) -> tuple[float, list[str]]:
        namespace.apply(storefront.secret_key_base(), started_by_a_shell(name))
        if name == "migrating":
            assert comes_true(lambda: "migrating" in namespace.kubectl("logs", "shop-0", check=False), 90)
        else:
            namespace.wait_until_ready(NAME)
        started = time.monotonic()
        namespace.kubectl("delete", "pod", "shop-0", "--wait", "--timeout=90s")
        took = time.monotonic() - started
        return took, [event["reason"] for event in namespace.items("events")]

    return {name: side_by_side(story, namespaces(f"stops-{name}"), name) for name in SHELLS}


def test_no_request_is_lost_in_an_update_though_nodes_close_their_port_when_they_are_told_to_stop(update):
    visit = update.result()
    print(f"{sum(visit.lost.values())} of {visit.asked} requests were lost")
    assert visit.asked > 1000
    assert visit.lost == {}


def test_a_socket_is_told_to_come_back_once_for_each_node_that_goes_and_its_first_try_is_taken(update):
    visit = update.result()
    reconnects = [connected - 1 for connected in visit.connected]
    print(f"reconnects of each socket: {reconnects}; closed by {visit.closed}")
    assert visit.versions == ["2.0.0"] * SOCKETS
    assert visit.closed == {RESTART: sum(reconnects)}
    assert visit.refused == {}
    assert all(1 <= times <= 3 for times in reconnects)
    assert visit.echoed > SOCKETS


@pytest.mark.parametrize("name", SHELLS)
def test_a_pod_whose_first_process_is_a_shell_stops_when_its_node_has_stopped(stops, name):
    took, events = stops[name].result()
    print(f"{name}: stopped in {took:.1f} s")
    assert took < SECONDS_OF_A_STOP
    assert "FailedPreStopHook" not in events
