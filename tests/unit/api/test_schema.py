"""Rules in CEL, and the bounded scalars."""

from __future__ import annotations

import re

import pytest

from elixircluster.api.schema import DNS_LABEL, DNS_SUBDOMAIN, Rule


def test_a_rule_points_at_a_field_only_where_it_has_one():
    assert Rule("true", "no").schema() == {"rule": "true", "message": "no"}
    assert Rule("true", "no", "web").schema() == {"rule": "true", "message": "no", "fieldPath": ".web"}


@pytest.mark.parametrize(
    ("text", "label", "subdomain"),
    [
        ("a", True, True),
        ("a-1", True, True),
        ("a.b", False, True),
        ("a..b", False, False),
        ("-a", False, False),
        ("a-", False, False),
        ("A", False, False),
        ("", False, False),
        ("a_b", False, False),
    ],
)
def test_names_of_objects_are_dns_names(text, label, subdomain):
    assert bool(re.search(DNS_LABEL, text)) is label
    assert bool(re.search(DNS_SUBDOMAIN, text)) is subdomain
