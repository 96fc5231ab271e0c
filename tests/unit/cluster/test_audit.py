"""The audit log is read while it is written."""

import json

import pytest

from tests.cluster.audit import events, position


@pytest.mark.parametrize("written", [0, 1, 5])
def test_a_record_of_which_half_was_written_does_not_spoil_the_next(tmp_path, written):
    """A benchmark of 2,000 resources ended after five minutes: its position lay within a record."""
    log, begun = tmp_path / "audit.log", json.dumps({"number": 2}) + "\n"
    log.write_text(json.dumps({"number": 1}) + "\n" + begun[:written])
    since = position(log)
    with log.open("a") as file:
        file.write(begun[written:] + json.dumps({"number": 3}) + "\n")
    assert [event["number"] for event in events(log, since)] == ([3] if written else [2, 3])
