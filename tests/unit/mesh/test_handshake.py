from __future__ import annotations

import struct

import pytest

from elixircluster.mesh import handshake
from elixircluster.mesh.failure import Failure, MeshError

NODE = "chat@10.0.0.7"


def challenge(name=NODE, extra=b"", flags=0xD07DF7FBD):
    data = name.encode()
    return struct.pack(">cQIIH", b"N", flags, 123, 7, len(data)) + data + extra


def failure(call, *arguments):
    with pytest.raises(MeshError) as caught:
        call(*arguments)
    return caught.value.failed.failure


def test_our_name_is_sent_with_flags_of_64_bits():
    sent = handshake.name_message("us@here", 9)
    assert sent == b"N" + handshake.FLAGS.to_bytes(8) + bytes((0, 0, 0, 9)) + b"\x00\x07us@here"


def test_we_are_hidden_and_ask_for_no_cache_and_no_fragments():
    published, atom_cache, header_cache, fragments = 1 << 0, 1 << 1, 1 << 13, 1 << 23
    assert not handshake.FLAGS & (published | atom_cache | header_cache | fragments)


def test_all_that_otp_26_demands_is_offered():
    mandatory_25 = 0x10000 | 0x4 | 0x10 | 0x100 | 0x80 | 0x40000 | 0x800 | 0x20000 | 0x200 | 0x400 | 0x1000000
    mandatory_26 = 1 << 34 | 0x2000000
    assert handshake.FLAGS & (mandatory_25 | mandatory_26) == mandatory_25 | mandatory_26


def test_the_status_says_whether_we_may_go_on():
    assert handshake.read_status(b"sok") is False
    assert handshake.read_status(b"sok_simultaneous") is False
    assert handshake.read_status(b"salive") is True
    assert failure(handshake.read_status, b"snot_allowed") is Failure.REFUSED
    assert failure(handshake.read_status, b"snok") is Failure.REFUSED
    assert failure(handshake.read_status, b"") is Failure.PROTOCOL
    assert failure(handshake.read_status, b"snamed:x") is Failure.PROTOCOL
    assert failure(handshake.read_status, b"\x15\x03\x03\x00\x02\x02") is Failure.TLS_FAILED


def test_a_challenge_is_read_and_what_a_later_release_adds_is_passed_over():
    assert handshake.read_challenge(challenge()).challenge == 123
    assert handshake.read_challenge(challenge(extra=b"more")).creation == 7


def test_a_node_of_before_otp_25_is_told():
    old = 0xD07DF7FBD & ~handshake.MANDATORY_25_DIGEST
    with pytest.raises(MeshError, match="its OTP is older than 25"):
        handshake.read_challenge(challenge(flags=old))


@pytest.mark.parametrize("packet", [b"", b"N", challenge()[:-1], b"n\x00\x05" + bytes(30)])
def test_a_challenge_that_is_none_is_a_protocol_error(packet):
    assert failure(handshake.read_challenge, packet) is Failure.PROTOCOL


def test_the_digest_is_the_one_that_nodes_make():
    # erlang:md5(["secret" | integer_to_list(16#ffffffff)]) of OTP 25.
    assert handshake.digest("secret", 0xFFFFFFFF).hex() == "5dfd181e69aa587cc812eb333e6536b6"
    reply = handshake.reply_message("secret", 5, 6)
    assert reply == b"r\x00\x00\x00\x06" + handshake.digest("secret", 5)


def test_the_node_must_know_the_cookie_too():
    handshake.read_acknowledgement(b"a" + handshake.digest("secret", 6), "secret", 6)
    wrong = b"a" + handshake.digest("other", 6)
    assert failure(handshake.read_acknowledgement, wrong, "secret", 6) is Failure.WRONG_COOKIE
    assert failure(handshake.read_acknowledgement, b"a", "secret", 6) is Failure.PROTOCOL


def test_a_cookie_that_no_node_can_have_is_no_bug():
    assert failure(handshake.digest, "\u20ac", 1) is Failure.WRONG_COOKIE
