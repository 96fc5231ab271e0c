"""What a podTemplate may not take from a node: the variables by which it is named, reached and let in."""

from __future__ import annotations

from typing import Any

from elixircluster.api.resource import ElixirCluster, refused
from elixircluster.api.variables import OWNED
from elixircluster.errors import Stalled
from elixircluster.render.names import CONTAINER

Object = dict[str, Any]


def refuse_taken_variables(cluster: ElixirCluster, rendered: Object, laid_over: Object) -> None:
    """Raise `Stalled` where the template, with the podTemplate laid over, says something else of one of ours.

    The schema does not know a Pod, so that the rules of `env` are asked here about what was added.
    """
    before, after = variables(rendered), variables(laid_over)
    if before is None or after is None:
        return
    taken = [name for name in OWNED[cluster.spec.runtime] if after.get(name) != before.get(name)]
    if taken:
        raise Stalled(
            "InvalidPodTemplate",
            f"spec.podTemplate: {', '.join(taken)} of container {CONTAINER} are set by the operator; leave them out",
        )
    added = [entry for name, entry in after.items() if entry != before.get(name)]
    web = {"web": {"port": cluster.spec.web.port}} if cluster.spec.web else {}
    said = refused({"metadata": {"name": cluster.name}, "spec": {"runtime": cluster.spec.runtime, **web, "env": added}})
    if said:
        raise Stalled("InvalidPodTemplate", f"spec.podTemplate, container {CONTAINER}: {said[0]}")


def variables(template: Any) -> dict[str, Object] | None:
    """The environment of the release's container, by name. A template without that the API server refuses itself."""
    spec = template.get("spec") if isinstance(template, dict) else None
    containers = spec.get("containers") if isinstance(spec, dict) else None
    for container in containers if isinstance(containers, list) else []:
        if isinstance(container, dict) and container.get("name") == CONTAINER:
            entries = container.get("env")
            named = (entry for entry in entries if isinstance(entry, dict)) if isinstance(entries, list) else ()
            return {entry["name"]: entry for entry in named if isinstance(entry.get("name"), str)}
    return None
