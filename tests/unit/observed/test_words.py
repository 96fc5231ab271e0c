"""What of the end of a log is told, and what of it never is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from elixircluster.observed.containers import trouble
from elixircluster.observed.diagnosis import diagnose
from elixircluster.observed.events import refusal
from elixircluster.observed.words import LONGEST_QUOTE, telling

RUNTIME = """\
ERROR! Config provider Config.Reader failed with:
** (RuntimeError) environment variable SECRET_KEY_BASE is missing.
You can generate one by calling: mix phx.gen.secret

    /app/releases/0.1.0/runtime.exs:33: (file)
    (elixir 1.14.0) lib/code.ex:1245: Code.validated_eval_string/3
Runtime terminating during boot ({#{message=><<"environment variable SECRET_KEY_BASE is missing.\\nYou can ...
Crash dump is being written to: /tmp/erl_crash.dump...done
"""
CUT_OFF = """\
inating during boot ({#{message=><<"could not find the region\\nset it">>,'__struct__'=>'Elixir.RuntimeError'},[{x,
Crash dump is being written to: /tmp/erl_crash.dump...done
"""
# What the kubelet keeps of Elixir 1.14 on OTP 25 whose runtime.exs is Phoenix's.
BYTES_LEFT = """\
nment variable SECRET_KEY_BASE is missing.
You can generate one by calling: mix phx.gen.secret

    (stdlib 4.2) erl_eval.erl:744: :erl_eval.do_apply/7
    (elixir 1.14.0) lib/config/reader.ex:92: Config.Reader.read!/2

{"init terminating in do_boot",{#{'__exception__'=>true,'__struct__'=>'Elixir.RuntimeError',message=><<101,110,118,105,\
114,111,110,109,101,110,116,32,118,97,114,105,97,98,108,101,32,83,69,67,82,69,84,95,75,69,89,95,66,65,83,69,32,105,115,\
32,109,105,115,115,105,110,103,46,10,89,111,117,32,99,97,110,32,103,101,110,101,114,97,116,101,32,111,110,101>>},[{x,1}]}
init terminating in do_boot ({,[{erl_eval,do_apply,7,[{_},{_},{_}]},{erl_eval,expr,6,[{_},{_}]}]})

Crash dump is being written to: /tmp/erl_crash.dump...done
"""
NESTED = """\
** (Mix) Could not start application shop: Shop.Application.start(:normal, []) returned an error: shutdown
    ** (EXIT) an exception was raised:
        ** (RuntimeError) the warehouse is closed
            (shop 0.1.0) lib/shop/application.ex:9: Shop.Application.start/2
            (kernel 8.5.3) application_master.erl:293: :application_master.start_it_old/4
"""
LOGS = {
    "an exception, before its trace and its report": (
        RUNTIME,
        "** (RuntimeError) environment variable SECRET_KEY_BASE is missing.",
    ),
    "an exception of which the report is left": (CUT_OFF, "could not find the region"),
    "an exception of which the report is left, in bytes": (
        BYTES_LEFT,
        "environment variable SECRET_KEY_BASE is missing.",
    ),
    "the innermost of several": (NESTED, "** (RuntimeError) the warehouse is closed"),
    "a program of another language": ("starting\npanic: no route to host\n\n", "panic: no route to host"),
    "a shell": ("/bin/sh: 1: bin/shop: not found\n", "/bin/sh: 1: bin/shop: not found"),
    "nothing": ("", ""),
    "nothing but blanks": ("  \n\n", ""),
    "colours": ("\x1b[31merror\x1b[0m: no\n", "\ufffd[31merror\ufffd[0m: no"),
    "tabs": ("a\tb  c\n", "a b c"),
}


@pytest.mark.parametrize(("log", "told"), LOGS.values(), ids=LOGS)
def test_the_line_that_tells_most_is_told(log, told):
    assert telling(log) == told


SECRETS = (
    "** (RuntimeError) connecting to ecto://shop:h4nter2@db:5432/shop failed",
    '** (KeyError) key :port not found in: [username: "shop", password: "h4nter2", hostname: "db"]',
    '** (MatchError) no match of right hand side value: %{secret_key_base: "h4nter2"}',
    '** (MatchError) no match of right hand side value: %{"api_key" => "h4nter2"}',
    '{badmatch,#{password => <<"h4nter2">>}}',
    "DATABASE_PASSWORD=h4nter2: not accepted",
    "erl -name shop@10.0.0.1 -setcookie h4nter2 -noinput: no such flag",
    "export RELEASE_COOKIE='h4nter2'",
    "Authorization token: h4nter2",
)


@pytest.mark.parametrize("line", SECRETS)
def test_what_looks_like_a_secret_is_not_told(line):
    told = telling(f"{line}\n")
    assert "h4nter2" not in told
    assert "…" in told


@pytest.mark.parametrize(
    "line",
    [
        "** (RuntimeError) environment variable SECRET_KEY_BASE is missing.",
        '** (System.EnvError) could not fetch environment variable "API_TOKEN" because it is not set',
        "no such password file",
    ],
)
def test_the_name_of_a_secret_is_told(line):
    assert telling(line) == line


def test_a_variable_that_is_missing_is_found_in_bytes():
    """Of a Phoenix release on OTP 25 the cause was cut off: 78 of 2,126 bytes too many."""
    ended = {"exitCode": 1, "message": BYTES_LEFT}
    found = diagnose({"containerStatuses": [{"name": "app", "state": {"terminated": ended}}]}, "app")
    assert found is not None
    assert found.reason == "VariableMissing"
    assert "SECRET_KEY_BASE" in found.advice


@pytest.mark.parametrize("bytes_", ["<<>>", "<<1,2>>", "<<300,1>>", "<<99,>>", "<<34,92,10,255>>", "<<101,110"])
def test_bytes_that_are_no_text_do_no_harm(bytes_):
    assert telling(f"a\n{{badmatch,{bytes_}}}\n").startswith("{badmatch,<<")


@given(st.text())
def test_whatever_a_log_holds_one_bounded_printable_line_is_told(log):
    told = telling(log)
    assert len(told) <= LONGEST_QUOTE
    assert told.isprintable()


PARTS = (
    *("<<1,", "1,", "<<"),
    *("** (", "** (A) ", "secret", 'password: "', "secret=", "secret ", 'message=><<"', "message ", "://", "a@", " "),
    *("sh: ", "sh: bin/", "bin/bin/", "sh: line 1: a", "lib/tzdata-", "Protocol 'inet_tcp': ", 'exec: "', '": ', "\n"),
    *('secret "', "couldn't find key a in Secret ", "pod: ", ' (pod: "', "exceeded quota: a", "create Pod a in "),
)


@pytest.mark.parametrize("begins", ["", *PARTS])
def test_what_is_made_to_take_long_takes_no_time(begins):
    """A pattern that goes back over what it has read took minutes over 4 kB, in which the operator stood still."""
    before = time.process_time()
    for part in PARTS:
        said = begins + part * (8192 // len(part))
        telling(said)
        for state in ({"terminated": {"exitCode": 1, "message": said}}, {"waiting": {"reason": "X", "message": said}}):
            status = {"containerStatuses": [{"name": "app", "state": state}]}
            diagnose(status, "app")
            trouble(status)
        refusal([{"message": said, "metadata": {}}], ())
    assert time.process_time() - before < 5
