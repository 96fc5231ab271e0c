"""The command line: what the operator is told by options and by its pod."""

from __future__ import annotations

from click.testing import CliRunner

from elixircluster.cli import main
from elixircluster.control import process


# The nodes' policies named the namespace of the Lease, and kept the operator out.
def test_where_the_lease_is_and_where_the_operator_runs_are_two_things(monkeypatch):
    seen = []

    async def run(settings):
        seen.append(settings)
        return 0

    monkeypatch.setattr(process, "run", run)
    monkeypatch.setattr("elixircluster.telemetry.log.configure", lambda *_: None)
    told = CliRunner().invoke(main, ["run", "--lease-namespace", "leases"], env={"POD_NAMESPACE": "beams"})
    assert told.exit_code == 0, told.output
    (settings,) = seen
    assert (settings.lease_namespace, settings.operator_namespace) == ("leases", "beams")
