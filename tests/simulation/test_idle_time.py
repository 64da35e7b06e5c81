"""A guest that idles as its trace tells is the same under every protocol, and after a takeover."""

from pathlib import Path

import numpy as np
import pytest
from scenarios_for_tests import small

from vmfailover.simulation import Simulation
from vmfailover.traces.format import Columns, TraceMetadata, write_trace

#: Records; one in ten comes after idle time, which is most of the time.
RECORDS, EVERY, IDLE_NS = 200, 10, 50_000


@pytest.fixture(scope="module")
def sleeper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    index = np.arange(RECORDS, dtype=np.uint32)
    idle_ns = np.where(index % EVERY == EVERY - 1, IDLE_NS, 0).astype(np.uint64)
    piece = Columns(
        (0 * index).astype(np.uint8), index * 37 % 1024, (index % 2).astype(np.uint8), index % 3 + 1, index + 1, idle_ns
    )
    path = tmp_path_factory.mktemp("trace") / "sleeper.parquet"
    write_trace(path, [piece], TraceMetadata(memory_bytes=1 << 16, vcpus=1, source="a test"), idle_time=True)
    return path


@pytest.mark.parametrize("protocol", ["base", "page-write-protect", "undo-log", "output-compare", "record-replay"])
def test_a_guest_that_idles_survives(sleeper: Path, protocol: str) -> None:
    simulation = Simulation(small(protocol, workload={"trace": str(sleeper), "repeat": True}))
    simulation.run()
    result = simulation.result()
    assert result.consistent
    assert result.values["failover.latency_ns"]
    vm = simulation.active.vm
    idle_ns = vm.positions[0] // EVERY * IDLE_NS
    guest_ns = vm.guest_ns(simulation.now_ns)
    assert 0.9 * guest_ns < idle_ns <= guest_ns + IDLE_NS
