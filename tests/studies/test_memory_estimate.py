"""The memory estimate, held against the arrays that a run really allocates."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from runs_for_tests import observe
from scenarios_for_tests import small

from vmfailover.errors import InputError
from vmfailover.scenario import Scenario
from vmfailover.studies.memory_estimate import estimated_bytes, require_memory

REDIS = Path(__file__).parents[2] / "scenarios" / "traces" / "redis-set.parquet"
LARGE_L3 = {"size": "512 MiB", "ways": 8}


def short(overrides: dict[str, object], variant: str = "base") -> Scenario:
    return small(variant, **{"duration": "3 ms", "failures": [], **overrides})


CASES = {
    "much memory": short({"vm.memory": "128 MiB"}),
    "several cores": short({"vm.memory": "128 MiB"}, "three-vcpus-log"),
    "short lines": short({"vm.memory": "64 MiB", "hosts.primary.line": "64 B", "hosts.secondary.line": "64 B"}),
    "a large L2": short({"hosts.secondary.l2.size": "64 MiB", "replication.log": {"size": "8 MiB"}}),
    "a large L3": short({"hosts.secondary.l3": LARGE_L3}),
    "a large log": short({"replication.log.size": "64 MiB"}),
    "a trace": short({"vm.memory": "1 GiB", "workload": {"trace": str(REDIS), "repeat": True}}),
}


def array_bytes(scenario: Scenario) -> int:
    """Run a scenario and return the bytes of NumPy's arrays that are alive at its end."""
    tracemalloc.start()
    try:
        observed = observe(scenario)
        filters = [tracemalloc.DomainFilter(inclusive=True, domain=np.lib.tracemalloc_domain)]
        snapshot = tracemalloc.take_snapshot().filter_traces(filters)
    finally:
        tracemalloc.stop()
    assert observed.result.consistent
    return sum(trace.size for trace in snapshot.traces)


@pytest.mark.parametrize("case", CASES)
def test_the_estimate_is_no_less_than_the_arrays_and_less_than_twice_as_much(case: str) -> None:
    allocated, estimate = array_bytes(CASES[case]), estimated_bytes(CASES[case])
    assert allocated > 10 << 20
    assert allocated <= estimate < 2 * allocated


def test_a_run_that_takes_more_than_allowed_is_refused() -> None:
    needed = estimated_bytes(CASES["much memory"])
    require_memory(CASES["much memory"], needed)
    with pytest.raises(InputError, match=r"^base: vm.memory: 128 MiB takes about \d+ MiB to simulate, more than"):
        require_memory(CASES["much memory"], needed - 1)
