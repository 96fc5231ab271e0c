"""What `helm test` asks, from a pod with the operator's rights. Nothing but Python's own library."""

import json
import os
import ssl
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
RESOURCES = "/apis/elixircluster.dev/v1alpha1"
SECONDS = 60
REMEDIES = {
    403: "the operator has not the rights it needs: set rbac.create, or bind its ServiceAccount yourself",
    404: "this Kubernetes does not know it: set crds.install, or apply the CustomResourceDefinition yourself",
}


class NotYetError(Exception):
    """Something is not as it should be; it may become so."""


def main():
    """Ask until all is well, or the time is over."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            for check in (served, led, answers):
                print(check())
            return
        except (NotYetError, KeyError, OSError) as error:
            if time.monotonic() > deadline:
                sys.exit(f"failed: {error}")
            time.sleep(1)


def served():
    """The resource is served, and the operator may list it where it is to look after it."""
    for namespace in filter(None, os.environ["NAMESPACES"].split(",")):
        api(f"{RESOURCES}/namespaces/{namespace}/elixirclusters?limit=1")
    if not os.environ["NAMESPACES"]:
        api(f"{RESOURCES}/elixirclusters?limit=1")
    return "ElixirClusters are served, and the operator may list them"


def led():
    """One of the operators holds the Lease, and has renewed it in time."""
    namespace, name = os.environ["LEASE"].split("/")
    lease = api(f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}")["spec"]
    renewed = datetime.fromisoformat(lease["renewTime"].replace("Z", "+00:00"))
    alive = datetime.now(UTC) - renewed < timedelta(seconds=lease["leaseDurationSeconds"])
    holder = lease.get("holderIdentity") or "nobody"
    if not alive or holder == "nobody":
        raise NotYetError(f"no operator leads; the Lease is of {holder}, renewed at {lease['renewTime']}")
    return f"{holder.partition('_')[0]} leads"


def answers():
    """A ready operator is behind the Service, and tells its metrics."""
    if "METRICS" not in os.environ:
        return "metrics have no Service that could be asked"
    with urllib.request.urlopen(os.environ["METRICS"], timeout=5) as answer:
        if b"elixircluster_" not in answer.read():
            raise NotYetError(f"{os.environ['METRICS']} does not tell the operator's metrics")
    return "metrics are told"


def api(path):
    """An answer of the API server."""
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    host = f"[{host}]" if ":" in host else host
    with open(f"{ACCOUNT}/token") as token:
        headers = {"Authorization": f"Bearer {token.read()}"}
    request = urllib.request.Request(f"https://{host}:{port}{path}", headers=headers)
    trust = ssl.create_default_context(cafile=f"{ACCOUNT}/ca.crt")
    try:
        with urllib.request.urlopen(request, timeout=5, context=trust) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise NotYetError(f"{path}: {error}. {REMEDIES.get(error.code, '')}".rstrip()) from None


main()
