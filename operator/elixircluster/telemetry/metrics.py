"""Prometheus metrics: controller-runtime's names, so that existing dashboards work, and our own."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

CONTROLLER = "elixircluster"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

reconcile_total = Counter("controller_runtime_reconcile_total", "Reconciles by result.", ["controller", "result"])
reconcile_errors = Counter(
    "controller_runtime_reconcile_errors_total", "Reconciles that failed unexpectedly.", ["controller"]
)
terminal_errors = Counter(
    "controller_runtime_terminal_reconcile_errors_total", "Reconciles that wait for the user.", ["controller"]
)
reconcile_time = Histogram(
    "controller_runtime_reconcile_time_seconds", "Time of a reconcile.", ["controller"], buckets=SECONDS
)
active_workers = Gauge("controller_runtime_active_workers", "Workers that reconcile now.", ["controller"])
max_workers = Gauge("controller_runtime_max_concurrent_reconciles", "Workers there are.", ["controller"])
queue_depth = Gauge("workqueue_depth", "Keys that wait.", ["name"])
queue_adds = Counter("workqueue_adds_total", "Keys added.", ["name"])
queue_retries = Counter("workqueue_retries_total", "Keys added again after a failure.", ["name"])
queue_wait = Histogram("workqueue_queue_duration_seconds", "How long a key waited.", ["name"], buckets=SECONDS)
requests_total = Counter("rest_client_requests_total", "Requests to the API server.", ["code", "method", "resource"])
request_time = Histogram(
    "rest_client_request_duration_seconds", "Time of a request.", ["method", "resource"], buckets=SECONDS
)
leader = Gauge("leader_election_master_status", "1 while this process leads.", ["name"])
watch_age = Gauge(
    "elixircluster_last_event_timestamp_seconds", "When the last watch event came, in seconds since 1970."
)


MESH_LABELS = ["namespace", "name"]
nodes_wanted = Gauge("elixircluster_nodes_wanted", "Nodes that are wanted.", MESH_LABELS)
nodes_ready = Gauge("elixircluster_nodes_ready", "Nodes that have booted, and whose pods are ready.", MESH_LABELS)
nodes_lost = Gauge("elixircluster_nodes_lost", "Nodes on machines that do not answer.", MESH_LABELS)
nodes = Gauge("elixircluster_nodes", "Nodes that answer.", MESH_LABELS)
booting = Gauge("elixircluster_nodes_booting", "Nodes that answer and whose applications are not up.", MESH_LABELS)
links = Gauge("elixircluster_links", "Links that both ends see.", MESH_LABELS)
links_expected = Gauge(
    "elixircluster_links_expected", "Links of a full mesh of all nodes that are wanted.", MESH_LABELS
)
islands = Gauge("elixircluster_islands", "Groups of nodes that do not see each other.", MESH_LABELS)
probe_time = Histogram("elixircluster_probe_seconds", "Time of a look at one mesh.", buckets=SECONDS)
redials = Counter("elixircluster_redials_total", "Links that nodes were asked to make, by result.", ["result"])


def request(method: str, resource: str, code: int, seconds: float) -> None:
    """Count one request."""
    requests_total.labels(code, method, resource).inc()
    request_time.labels(method, resource).observe(seconds)
