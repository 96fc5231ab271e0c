"""The Grafana dashboard, from a table: a row is a line of panels, a panel a question and how its answer is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

WIDTH, HEIGHT = 24, 8
OF = '{namespace=~"$namespace", name=~"$name"}'
CONTROLLER = '{controller="elixircluster"}'
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


class Panel(NamedTuple):
    """`asks` is a legend and its PromQL; `kind` and `unit` are Grafana's words."""

    title: str
    asks: Mapping[str, str]
    unit: str = "short"
    kind: str = "timeseries"
    bad_above: float | None = None
    help: str = ""


def quantiles(metric: str, labels: str = "") -> Mapping[str, str]:
    """The median and the slowest hundredth of a histogram."""
    rate = f"sum by (le) (rate({metric}_bucket{labels}[$__rate_interval]))"
    return {name: f"histogram_quantile({share}, {rate})" for name, share in (("p50", 0.5), ("p99", 0.99))}


ROWS: Mapping[str, Sequence[Panel]] = {
    "Meshes": (
        Panel(
            "Nodes that answer", {"nodes": f"sum(elixircluster_nodes{OF})"}, kind="stat", help="Asked by the operator."
        ),
        Panel(
            "Nodes on lost machines",
            {"lost": f"sum(elixircluster_nodes_lost{OF})"},
            kind="stat",
            bad_above=1,
            help="Kubernetes does not hear of their machines.",
        ),
        Panel(
            "Split clusters",
            {"split": f"count(elixircluster_islands{OF} > 1) or vector(0)"},
            kind="stat",
            bad_above=1,
            help="Clusters in more than one island.",
        ),
        Panel(
            "Missing links",
            {"missing": f"sum(elixircluster_links_expected{OF} - elixircluster_links{OF})"},
            kind="stat",
            bad_above=1,
            help="Of full meshes, those that not both ends see.",
        ),
    ),
    "Each cluster": (
        Panel("Nodes", {"{{namespace}}/{{name}}": f"elixircluster_nodes{OF}"}),
        Panel(
            "Links, of a full mesh",
            {"{{namespace}}/{{name}}": f"elixircluster_links{OF} / (elixircluster_links_expected{OF} > 0)"},
            "percentunit",
        ),
        Panel("Islands", {"{{namespace}}/{{name}}": f"elixircluster_islands{OF}"}, bad_above=2),
    ),
    "Looking and healing": (
        Panel("A look at one mesh", quantiles("elixircluster_probe_seconds"), "s"),
        Panel(
            "Links dialled again",
            {"{{result}}": "sum by (result) (increase(elixircluster_redials_total[$__rate_interval]))"},
        ),
    ),
    "The operator": (
        Panel(
            "Reconciles",
            {"{{result}}": f"sum by (result) (rate(controller_runtime_reconcile_total{CONTROLLER}[$__rate_interval]))"},
            "ops",
        ),
        Panel("A reconcile", quantiles("controller_runtime_reconcile_time_seconds", CONTROLLER), "s"),
        Panel(
            "Queue",
            {
                "waiting": 'sum(workqueue_depth{name="elixircluster"})',
                "at work": f"sum(controller_runtime_active_workers{CONTROLLER})",
            },
        ),
    ),
    "What it costs": (
        Panel(
            "Requests to the API server",
            {"{{method}} {{code}}": "sum by (method, code) (rate(rest_client_requests_total[$__rate_interval]))"},
            "reqps",
        ),
        Panel("A request", quantiles("rest_client_request_duration_seconds"), "s"),
        Panel(
            "Memory",
            {"{{pod}}": "process_resident_memory_bytes and on (instance) leader_election_master_status"},
            "bytes",
        ),
    ),
}


def dashboard() -> dict[str, Any]:
    """The whole dashboard, as Grafana imports it."""
    return {
        "uid": "elixircluster",
        "title": "ElixirCluster",
        "description": "BEAM clusters as the operator sees them, and the operator itself.",
        "tags": ["elixircluster", "erlang", "kubernetes"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": [datasource(), choice("namespace", ""), choice("name", '{namespace=~"$namespace"}')]},
        "panels": panels(),
    }


def datasource() -> dict[str, Any]:
    """Which Prometheus."""
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def choice(label: str, among: str) -> dict[str, Any]:
    """A choice of the values that a label has."""
    return {
        "name": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": f"label_values(elixircluster_nodes{among}, {label})",
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }


def panels() -> list[dict[str, Any]]:
    """Row by row, each as wide as the screen."""
    result: list[dict[str, Any]] = []
    top = 0
    for title, row in ROWS.items():
        place = {"x": 0, "y": top, "w": WIDTH, "h": 1}
        result.append({"id": len(result) + 1, "type": "row", "title": title, "gridPos": place, "panels": []})
        height, width = HEIGHT if row[0].kind != "stat" else HEIGHT // 2, WIDTH // len(row)
        for number, panel in enumerate(row):
            place = {"x": number * width, "y": top + 1, "w": width, "h": height}
            result.append({"id": len(result) + 1, "gridPos": place, **panel_body(panel)})
        top += height + 1
    return result


def panel_body(panel: Panel) -> dict[str, Any]:
    """One panel, but for its place."""
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.bad_above is not None:
        steps.append({"color": "red", "value": panel.bad_above})
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.help,
        "datasource": DATASOURCE,
        "fieldConfig": {
            "defaults": {"unit": panel.unit, "min": 0, "thresholds": {"mode": "absolute", "steps": steps}},
            "overrides": [],
        },
        "targets": [
            {"refId": chr(ord("A") + number), "datasource": DATASOURCE, "expr": query, "legendFormat": legend}
            for number, (legend, query) in enumerate(panel.asks.items())
        ],
    }


def text() -> str:
    """The JSON file."""
    return json.dumps(dashboard(), indent=2) + "\n"
