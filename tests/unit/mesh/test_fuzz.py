from __future__ import annotations

from tests.fuzz_mesh import campaign


def test_hostile_nodes_cause_only_errors_of_ours_in_time_and_in_little_memory():
    found = campaign(seed=7, seconds=4)
    assert found.faults == []
    assert found.looks
    assert found.memory_kib < 400 * 1024
