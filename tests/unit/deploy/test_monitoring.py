"""Alerts and dashboard ask for what the operator exports, in words that Prometheus understands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client import REGISTRY

from elixircluster.telemetry import metrics

MONITORING = Path(__file__).resolve().parents[3] / "deploy" / "monitoring"
SUFFIXES = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"], "info": ["_info"]}
# What Prometheus itself adds to all that it reads.
SCRAPED = {"instance", "job", "pod"}
GRAFANA = {"$__rate_interval": "5m"}

RULES = [
    rule for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
]
DASHBOARD = json.loads((MONITORING / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


def questions() -> dict[str, str]:
    """Every expression, by the rule or the panel that it is in."""
    asked = {rule["alert"]: rule["expr"] for rule in RULES}
    for panel in PANELS:
        for target in panel["targets"]:
            expression = target["expr"]
            for variable, value in GRAFANA.items():
                expression = expression.replace(variable, value)
            asked[f"{panel['title']}: {target['legendFormat']}"] = expression
    return asked


def exported() -> dict[str, set[str]]:
    """The name of every series of the operator, and its labels."""
    assert metrics.nodes
    ours = {collector._name: set(collector._labelnames) for collector in vars(metrics).values() if is_metric(collector)}
    found = {}
    for family in REGISTRY.collect():
        for suffix in SUFFIXES[family.type]:
            labels = ours.get(family.name, set()) | ({"le"} if suffix == "_bucket" else set())
            found[family.name + suffix] = labels
    return found


def is_metric(value: object) -> bool:
    return hasattr(value, "_labelnames")


def selectors(expression: object) -> Iterator[promql_parser.VectorSelector]:
    """Every selector in a parsed expression."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
    for name in ("expr", "lhs", "rhs", "vs", "vector_selector", "param"):
        if (inner := getattr(expression, name, None)) is not None:
            yield from selectors(inner)
    for inner in getattr(expression, "args", None) or ():
        yield from selectors(inner)


QUESTIONS = questions()


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_is_asked_is_exported(name):
    known = exported()
    asked = list(selectors(promql_parser.parse(QUESTIONS[name])))
    assert asked
    for selector in asked:
        assert selector.name in known
        assert {matcher.name for matcher in selector.matchers.matchers} <= known[selector.name] | SCRAPED


def test_a_misspelt_metric_would_be_found():
    (selector,) = selectors(promql_parser.parse("sum by (name) (rate(elixircluster_noodles_total[5m])) > 1"))
    assert selector.name not in exported()


def test_every_alert_says_what_is_wrong_and_what_to_do():
    for rule in RULES:
        assert set(rule["annotations"]) == {"summary", "description"}
        assert rule["labels"]["severity"] in {"warning", "critical"}


def test_panels_have_a_place_of_their_own():
    taken = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
