"""Values as text: JSON that is YAML too, JSON to be kept, and times in RFC 3339."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any

import orjson

# JSON is YAML but for these characters, which JSON may hold as they are and YAML must see escaped.
NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def to_json(value: Any) -> str:
    """Any value as YAML on one line. Text stays text: nothing in it can end the value or be a template."""
    text = json.dumps(value, ensure_ascii=False)
    return NOT_IN_YAML.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def packed(value: Any) -> bytes:
    """The value as JSON, to be kept."""
    # What orjson gives holds on to its buffer of 8 KiB, or 4.
    return bytes(memoryview(orjson.dumps(value)))


def seconds_between(since: str, until: str) -> float:
    """From one time to another."""
    return (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds()
