"""An image that is not on every machine."""

from __future__ import annotations

from tests.e2e.user import GOOD_IMAGE, NEW_IMAGE, comes_true
from tests.images import archive

from .stage import NAME, NODES, machine_of


def test_an_update_waits_for_the_machine_that_lacks_its_image(whole):
    first = whole.namespace.pods(NAME)[-1]
    lacking, before = machine_of(first), whole.namespace.lives(NAME)
    whole.kubernetes.load(archive("chat-v2"), nodes=[each for each in whole.machines() if each != lacking])
    whole.namespace.patch(NAME, image=NEW_IMAGE)
    assert comes_true(lambda: NEW_IMAGE in told(whole), 120), told(whole)
    rest = whole.elsewhere(lacking)
    assert {pod: whole.namespace.lives(NAME)[pod] for pod in rest} == {pod: before[pod] for pod in rest}
    whole.kubernetes.load(archive("chat-v2"), nodes=[lacking])
    whole.wait_until_whole(240)
    images = {pod["spec"]["containers"][0]["image"] for pod in whole.namespace.pods(NAME)}
    assert images == {NEW_IMAGE}
    assert len(whole.namespace.pods(NAME)) == NODES
    whole.namespace.patch(NAME, image=GOOD_IMAGE)


def told(stage):
    """What the resource says of itself."""
    status = stage.namespace.get("elixircluster", NAME)["status"]
    return " ".join(item["message"] for item in status.get("conditions") or [])
