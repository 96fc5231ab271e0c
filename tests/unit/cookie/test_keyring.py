"""The cookie: strong, and never told."""

from __future__ import annotations

import base64
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elixircluster.api.resource import ROTATE_ANNOTATION
from elixircluster.cookie.keyring import (
    ALPHABET,
    IDENTITY_ANNOTATION,
    LENGTH,
    PUNCTUATION,
    Keyring,
    new_cookie,
    refuse_unusable,
)
from elixircluster.errors import Stalled
from tests.unit.factory import LATER, cluster

WHERE = "key cookie of Secret mine (spec.distribution.cookie.secretKeyRef)"


def test_a_new_cookie_holds_32_random_bytes_in_letters_and_digits():
    assert LENGTH * math.log2(len(ALPHABET)) >= 256
    for _ in range(100):
        cookie = new_cookie()
        assert len(cookie) == LENGTH
        assert set(cookie) <= set(ALPHABET)
        assert cookie.isalnum()
        assert cookie.isascii()
    assert len({new_cookie() for _ in range(1000)}) == 1000


def test_every_character_of_the_alphabet_is_used():
    assert set("".join(new_cookie() for _ in range(200))) == set(ALPHABET)


SERVES = {
    "as we make it": new_cookie(),
    "as mix release makes it, base 32": "Q5TDPJ2ZJ3WSYQTEOWQ5TDPJ2ZJ3WSYQTEOWQ5TDPJ2ZJ3WSYQ====",
    "as Elixir's documentation recommends, URL-safe base 64": "hunter2-mW_0sFb4Cq7gJ1xkPzT9aE3yRvU8dL6i==",
    "base 64": "hunter2+mW/0sFb4Cq7gJ1xkPzT9aE3yRvU8dL6i==",
    "all that a start script takes": f"hunter2{PUNCTUATION}hunter2",
    "underscores": "_" * 20,
    "as long as an atom": "x" * 255,
}


@pytest.mark.parametrize("value", SERVES.values(), ids=SERVES)
def test_a_cookie_that_the_runtime_takes_serves(value):
    assert refuse_unusable(value.encode(), WHERE) is None


UNUSABLE = {
    "empty": (b"", "is empty"),
    "a newline at the end": (b"hunter2\n", "begins or ends with a newline"),
    "a Windows newline": (b"hunter2\r\n", "begins or ends with a newline"),
    "a newline before": (b"\nhunter2", "begins or ends with a newline"),
    "a newline only": (b"\n", "begins or ends with a newline"),
    "a newline within": (b"hunter2\nhunter2", "holds a control character"),
    "a tab": (b"hunter2\thunter2", "holds a control character"),
    "a zero": (b"hunter2\x00", "holds a control character"),
    "a blank": (b"hunter2 hunter2", "holds a blank"),
    "a single quote": (b"hunter2'", "holds a quote"),
    "a double quote": (b'hunter2"', "holds a quote"),
    "a back quote": (b"`hunter2`", "holds a quote"),
    "a variable": (b"$(hunter2)", "holds $ or \\"),
    "a backslash": (b"hunter2\\", "holds $ or \\"),
    "a flag": (b"-hunter2", "begins with - or +"),
    "an emulator's flag": (b"+hunter2", "begins with - or +"),
    "no ASCII": ("hunter2é".encode(), "not ASCII"),
    "digits of another script": ("hunter2٣".encode(), "not ASCII"),
    "no text at all": (b"hunter2\xff\xfe", "not ASCII"),
    "what awk replaces": (b"hunter2&hunter2", "mean something to a shell"),
    "a pattern": (b"hunter2*", "mean something to a shell"),
    "a comment in a file of flags": (b"#hunter2", "mean something to a shell"),
    "too long": (b"hunter2" * 40, "longer than 255 characters"),
}


@pytest.mark.parametrize(("value", "said"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_cookie_that_nodes_would_not_agree_on_is_refused_and_never_told(value, said):
    with pytest.raises(Stalled) as stalled:
        refuse_unusable(value, WHERE)
    assert stalled.value.reason == "CookieInvalid"
    assert stalled.value.message.startswith(WHERE)
    assert said in stalled.value.message
    assert "hunter2" not in str(stalled.value)
    assert stalled.value.__cause__ is None


@pytest.mark.parametrize("value", ["monster", "cookie", "MONSTER", "x" * 19, "hunter2hunter2"])
def test_a_cookie_that_could_be_guessed_is_refused(value):
    with pytest.raises(Stalled) as stalled:
        refuse_unusable(value.encode(), WHERE)
    assert stalled.value.reason == "CookieWeak"
    assert "hunter2" not in str(stalled.value)


@given(st.binary(min_size=6, max_size=300))
def test_no_message_holds_any_value(value):
    message = ""
    try:
        refuse_unusable(b"Qzx" + value, WHERE)
    except Stalled as stalled:
        message = str(stalled)
    assert "Qzx" not in message


UIDS = {"uid": "1", "resourceVersion": "7", "managedFields": [{"time": "2026-01-01T00:00:00Z"}, {"time": LATER}]}
GOOD = new_cookie()


def secret(annotations=(), **data):
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"metadata": {**UIDS, "annotations": dict(annotations)}, "data": encoded}


def test_a_secret_says_how_far_a_rotation_is():
    ring = Keyring.parse(cluster(), secret({ROTATE_ANNOTATION: "2"}, cookie=GOOD, next=GOOD[::-1]))
    assert (ring.cookie, ring.next, ring.previous, ring.begun) == (GOOD, GOOD[::-1], "", "2")
    assert (ring.uid, ring.identity, ring.version, ring.changed) == ("1", "1", "7", LATER)


def test_what_is_in_a_secret_is_not_shown():
    ring = Keyring.parse(cluster(), secret(cookie=GOOD, next=GOOD[1:], previous=GOOD[2:]))
    assert GOOD[2:] not in repr(ring)


def test_a_secret_that_took_the_place_of_another_is_the_same_to_the_nodes():
    assert Keyring.parse(cluster(), secret({IDENTITY_ANNOTATION: "0"}, cookie=GOOD)).identity == "0"


@pytest.mark.parametrize("spoiled", ["", "short", "monster", "with a blank in it, of all things"])
def test_a_spoiled_cookie_of_a_rotation_counts_as_none(spoiled):
    ring = Keyring.parse(cluster(), secret(cookie=GOOD, next=spoiled, previous=spoiled))
    assert (ring.next, ring.previous) == ("", "")


def test_other_keys_of_the_users_secret_mean_nothing():
    mine = cluster(distribution={"cookie": {"secretKeyRef": {"name": "mine", "key": "k"}}})
    said = {IDENTITY_ANNOTATION: "0", ROTATE_ANNOTATION: "2"}
    ring = Keyring.parse(mine, secret(said, k=GOOD, cookie="x", next=GOOD[::-1], previous=GOOD[::-1]))
    assert (ring.cookie, ring.next, ring.previous, ring.begun, ring.identity) == (GOOD, "", "", "", "1")


def test_a_secret_without_the_key_is_told_by_its_name():
    with pytest.raises(Stalled) as stalled:
        Keyring.parse(cluster(), secret(other=GOOD))
    assert stalled.value.reason == "CookieKeyMissing"
    assert "Secret chat-cookie" in stalled.value.message
