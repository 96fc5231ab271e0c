"""What the rules say of probes and of how a pod goes."""

from __future__ import annotations

import pytest

from elixircluster.errors import Stalled
from tests.unit.factory import cluster

HTTP = {"httpGet": {"path": "/"}}
ONE = "choose one of httpGet, tcpSocket, exec and disabled"

REFUSED = {
    "two checks": ({"web": {}, "health": {"readiness": {**HTTP, "tcpSocket": {}}}}, ONE),
    "a command and a port": ({"health": {"startup": {"exec": {"command": ["a"]}, "tcpSocket": {}}}}, ONE),
    # It asked the distribution port, which speaks no HTTP.
    "startup over HTTP of no port": ({"health": {"startup": HTTP}}, "there is no web"),
    "readiness over HTTP of no port": ({"health": {"readiness": HTTP}}, "there is no web"),
    "liveness over HTTP of no port": ({"health": {"liveness": HTTP}}, "there is no web"),
    "no time": ({"shutdown": {"preStopSeconds": 10, "gracePeriodSeconds": 10}}, "no time to stop"),
    "no time after what web waits": ({"web": {}, "shutdown": {"gracePeriodSeconds": 5}}, "no time to stop"),
}


@pytest.mark.parametrize(("spec", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_work_is_refused(spec, said):
    with pytest.raises(Stalled, match=said):
        cluster(**spec)


ALLOWED = {
    "the port of web": {"web": {}, "health": {"startup": HTTP, "readiness": HTTP, "liveness": HTTP}},
    "a port of its own": {"health": {"liveness": {"httpGet": {"path": "/", "port": 9568}}}},
    "six seconds, of which five are waited": {"web": {}, "shutdown": {"gracePeriodSeconds": 6}},
    "five seconds, of which none is waited": {"shutdown": {"gracePeriodSeconds": 5}},
}


@pytest.mark.parametrize("spec", ALLOWED.values(), ids=ALLOWED)
def test_what_can_work_is_not(spec):
    assert cluster(**spec)
