"""What the API server answers, and what becomes of it."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import incluster_config, kube_config

from elixircluster.certificates.issue import new_authority
from elixircluster.kube.api import LONGEST_RETRY_AFTER_SECONDS, Api, ApiError, retry_after
from elixircluster.kube.kinds import CLUSTERS, CONFIG_MAPS


@contextlib.asynccontextmanager
async def api(handler):
    """An Api in front of a server that answers everything with `handler`."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(application) as server:
        configuration = Configuration()
        configuration.host = str(server.make_url("")).rstrip("/")
        found = Api(ApiClient(configuration))
        found.configuration = configuration
        try:
            yield found
        finally:
            await found.close()


def in_seconds(seconds):
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("7", 7),
        ("0", 0),
        (60, 60),
        (-60, 0),
        (10**7, LONGEST_RETRY_AFTER_SECONDS),
        ("100000", LONGEST_RETRY_AFTER_SECONDS),
    ],
)
def test_retry_after_is_a_number_or_a_date(said, expected):
    header = said if isinstance(said, str) else in_seconds(said)
    assert retry_after({"Retry-After": header}) == pytest.approx(expected, abs=5)


@pytest.mark.parametrize("said", ["", "soon", "-1", "1.5", "nan", "inf", "²"])
def test_a_retry_after_that_nobody_understands_is_none(said):
    assert retry_after({"Retry-After": said}) is None


async def test_a_refusal_with_a_date_is_a_refusal():
    """float() of the date ended the process."""

    async def refuse(_):
        return web.json_response({"reason": "TooManyRequests"}, status=429, headers={"Retry-After": in_seconds(30)})

    async with api(refuse) as found:
        with pytest.raises(ApiError) as refused:
            await found.get(CONFIG_MAPS, "default", "chat")
    assert refused.value.code == 429
    assert refused.value.retry_after == pytest.approx(30, abs=5)


async def test_the_page_of_a_proxy_is_no_object():
    async def answer(_):
        return web.Response(text="<html>Welcome</html>")

    async with api(answer) as found:
        with pytest.raises(ApiError, match="Welcome"):
            await found.get(CONFIG_MAPS, "default", "chat")


DISCOVERY = {
    "/apis": {"groups": [{"name": "apps"}, {"name": CLUSTERS.group}]},
    f"/apis/{CLUSTERS.api_version}": {"resources": [{"name": CLUSTERS.plural}]},
}


@pytest.mark.parametrize(
    ("there", "served"),
    [
        (DISCOVERY, True),
        ({"/apis": {"groups": [{"name": "apps"}]}}, False),
        ({"/apis": DISCOVERY["/apis"]}, False),
        ({**DISCOVERY, f"/apis/{CLUSTERS.api_version}": {"resources": [{"name": "others"}]}}, False),
    ],
)
async def test_a_kind_is_served_once_both_documents_of_discovery_say_so(there, served):
    async def answer(request):
        found = there.get(request.path)
        return web.json_response(found or {"reason": "NotFound"}, status=200 if found else 404)

    async with api(answer) as found:
        assert await found.serves(CLUSTERS) is served


async def test_a_session_for_a_library_shows_the_token_of_the_day():
    """A ServiceAccount's token is another one every hour, and a session's headers are those of its beginning."""
    seen = []

    async def answer(request):
        seen.append(request.headers["Authorization"])
        return web.json_response({})

    async with api(answer) as found, found.session(aiohttp.ClientResponse) as session:
        for token in ("old", "new"):
            found.configuration.api_key["BearerToken"] = f"bearer {token}"
            await session.get(f"{found.server}/api")
    assert seen == ["bearer old", "bearer new"]


@pytest.fixture
def pod(tmp_path, monkeypatch):
    """What a pod has in it. Answers with the file of its token."""
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("old")
    authority.write_bytes(base64.b64decode(new_authority("kubernetes", datetime.now(UTC)).data()["tls.crt"]))
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return token


@pytest.mark.parametrize(
    ("host", "server"), [("10.96.0.1", "https://10.96.0.1:443"), ("fd00:10:96::1", "https://[fd00:10:96::1]:443")]
)
async def test_in_a_pod_the_api_server_is_an_address_so_that_no_dns_is_needed(pod, monkeypatch, host, server):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    found = await Api.connect()
    assert found.server == server
    await found.close()


async def test_a_token_that_the_kubelet_has_rotated_is_read_within_a_minute(pod, monkeypatch):
    found = await Api.connect()
    pod.write_text("new")
    assert await found._configuration.get_api_key_with_prefix("BearerToken") == "bearer old"

    class Later(dt.datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + timedelta(seconds=61)

    monkeypatch.setattr(incluster_config.datetime, "datetime", Later)
    assert await found._configuration.get_api_key_with_prefix("BearerToken") == "bearer new"
    await found.close()


async def test_outside_of_a_pod_it_is_the_one_of_kubeconfig(tmp_path, monkeypatch):
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    file = tmp_path / "kubeconfig"
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    cluster = {"name": "c", "cluster": {"server": "https://example:6443"}}
    users = [{"name": "u", "user": {"token": "t"}}]
    said = {"current-context": "c", "contexts": [context], "clusters": [cluster], "users": users}
    file.write_text(json.dumps(said))
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(file))
    found = await Api.connect()
    assert found.server == "https://example:6443"
    await found.close()
