from __future__ import annotations

import ssl

import pytest

from elixircluster.mesh.failure import Failure, MeshError
from elixircluster.mesh.tls import check_name, context, explain

CERTIFICATE = {
    "subjectAltName": (
        ("DNS", "10.0.0.7"),
        ("DNS", "chat-0.chat"),
        ("IP Address", "10.0.0.9"),
        ("IP Address", "0:0:0:0:0:0:0:1"),
    )
}


@pytest.mark.parametrize("host", ["10.0.0.7", "10.0.0.9", "chat-0.chat", "CHAT-0.chat", "::1"])
def test_an_address_may_be_a_dns_name_as_otp_25_wants_it_or_an_address_as_otp_27_does(host):
    check_name(CERTIFICATE, host)


@pytest.mark.parametrize("host", ["10.0.0.8", "chat-1.chat", "::2", ""])
def test_another_host_is_told(host):
    with pytest.raises(MeshError) as caught:
        check_name(CERTIFICATE, host)
    assert caught.value.failed.failure is Failure.TLS_FAILED


def test_a_certificate_without_names_is_for_nobody():
    with pytest.raises(MeshError, match="is for nothing"):
        check_name({}, "10.0.0.7")


def test_what_the_node_does_not_like_is_named():
    error = ssl.SSLError(1, "[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca")
    error.reason = "TLSV1_ALERT_UNKNOWN_CA"
    assert explain(error).failed.message == "the node does not accept us: unknown ca"
    error.reason = "WRONG_VERSION_NUMBER"
    assert explain(error).failed.message == "the node does not speak TLS"


def test_keys_are_loaded_from_memory_and_garbage_is_an_ssl_error():
    with pytest.raises(ssl.SSLError):
        context("no certificate", "", "")
