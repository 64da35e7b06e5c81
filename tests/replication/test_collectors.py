"""The copiers: what copying costs, and what it costs the VM."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import simpy

from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.hardware.cache.state import TAG_SHIFT, Cost
from vmfailover.hardware.endpoint import Endpoint
from vmfailover.hardware.processor import Held
from vmfailover.replication.checkpointing import new_collector
from vmfailover.replication.collectors import HelperThread, LineCollector, RemotePull, VmCore, copy_ns
from vmfailover.replication.line_reader import LineReader
from vmfailover.replication.messages import HEADER_BYTES, LineBatch
from vmfailover.replication.packing import UnitPacking

from .machinery import LATENCY_NS, LINE_BYTES, new_host, new_log, new_processor, new_site, numbers

#: A line from memory takes 20 ns.
FIVE_LINES_NS = 5 * 20
BEFORE_NS = 7
#: What a request takes to build and send.
MESSAGE_NS = 3
#: Bytes of a line with its address.
CONTENT_BYTES = 8 + LINE_BYTES


class Bench:
    """A running VM, and copiers for it whose batches are of two lines."""

    def __init__(self) -> None:
        self.env = simpy.Environment()
        self.vm = VirtualMachine(new_processor(), new_log(), 0)
        self.vm.resume(0)
        self.staged: list[tuple[list[int], int]] = []
        #: Lines that the VM's core copied early, and for how long.
        self.early: list[tuple[int, int]] = []

    def core(self) -> VmCore:
        return VmCore(self.env, self.vm, self.read, lambda lines, duration: self.early.append((lines, duration)))

    def read(self, lines: npt.NDArray[np.int64]) -> tuple[list[LineBatch], Held]:
        versions, held = self.vm.processor.fetch(lines)
        pairs = range(0, lines.size, 2)
        parts = [(lines[at : at + 2], versions[at : at + 2]) for at in pairs]
        return [LineBatch(0, *part, part[0].size * CONTENT_BYTES) for part in parts], held

    def other_host(self) -> RemotePull:
        here, there = new_host(self.env, "primary"), new_host(self.env)
        staging = Endpoint(there)
        staging.on(LineBatch, self._stage)
        return RemotePull(self.env, self.vm, self.read, here, there, staging, MESSAGE_NS)

    def hold(self, *lines: int) -> None:
        """Let the first core's L2 hold lines."""
        state = self.vm.processor.state
        for line in lines:
            index = line % state.l2.shape[1]
            state.l2[0, index, 1] = line << TAG_SHIFT
            state.place[0, line] = 1 << 8

    def _stage(self, batch: LineBatch) -> None:
        self.staged.append((batch.lines.tolist(), int(self.env.now)))

    def copy(self, copier: LineCollector, *lines: int, vm_stopped: bool = False) -> list[list[int]]:
        """Copy lines; return those that are still to be sent, batch by batch."""
        process = self.env.process(copier.copy(numbers(*lines), before_ns=BEFORE_NS, vm_stopped=vm_stopped))
        batches: Any = self.env.run(process)
        return [batch.lines.tolist() for batch in batches]

    @property
    def memory_ns(self) -> float:
        """What a miss costs the VM now."""
        return int(self.vm.processor.state.costs[0, Cost.MEMORY]) / 10**6


@pytest.mark.parametrize(
    ("lines", "held", "expected"),
    [
        (0, Held(0, 0), 0),
        (5, Held(0, 0), 100),
        (5, Held(2, 0), 3 * 20 + 2 * 13),
        (5, Held(5, 0), 65),
        (5, Held(0, 5), 5 * 15),
        (5, Held(1, 2), 13 + 2 * 15 + 2 * 20),
    ],
)
def test_a_line_takes_the_latency_of_where_it_is(lines: int, held: Held, expected: int) -> None:
    assert copy_ns(new_processor(core_to_core="60 ns"), lines, held) == expected


def test_no_line_is_copied_faster_than_memory_reads_and_writes() -> None:
    slow = new_processor(memory={"latency": "80 ns", "bandwidth": "1 GB/s", "parallelism": 4.0})
    assert copy_ns(slow, 3, Held(1, 1)) == 3 * 2 * LINE_BYTES


def test_copying_takes_whole_nanoseconds() -> None:
    assert copy_ns(new_processor(clock="3 GHz"), 1, Held(1, 0)) == 5


def test_the_vm_core_copies_with_the_vm_stopped() -> None:
    bench = Bench()
    assert bench.copy(bench.core(), 1, 2, 3, 4, 5) == [[1, 2], [3, 4], [5]]
    assert bench.env.now == BEFORE_NS + FIVE_LINES_NS
    assert bench.early == [(5, BEFORE_NS + FIVE_LINES_NS)]
    assert bench.vm.running
    bench.vm.pause(int(bench.env.now))
    assert bench.vm.guest_ns(int(bench.env.now)) == 0


@pytest.mark.parametrize("core", [True, False])
def test_a_checkpoint_has_stopped_the_vm_anyway(core: bool) -> None:
    bench = Bench()
    bench.vm.pause(0)
    copier = bench.core() if core else HelperThread(bench.env, bench.vm, bench.read)
    assert bench.copy(copier, 1, 2, 3, 4, 5, vm_stopped=True) == [[1, 2], [3, 4], [5]]
    assert bench.env.now == BEFORE_NS + FIVE_LINES_NS
    assert bench.early == []
    assert bench.vm.contention_ns == 0
    assert not bench.vm.running
    bench.vm.resume(int(bench.env.now))
    assert bench.vm.running


def test_a_helper_thread_copies_beside_the_vm_and_slows_its_misses() -> None:
    bench = Bench()
    costs: dict[int, float] = {}

    def look() -> Any:
        for gap in (BEFORE_NS - 1, 2, FIVE_LINES_NS - 2, 2):
            yield bench.env.timeout(gap)
            costs[int(bench.env.now)] = bench.memory_ns

    bench.env.process(look())
    assert len(bench.copy(HelperThread(bench.env, bench.vm, bench.read), 1, 2, 3, 4, 5)) == 3
    assert bench.env.now == BEFORE_NS + FIVE_LINES_NS
    bench.env.run()
    share = 5 * 2 * LINE_BYTES / FIVE_LINES_NS / 128
    assert costs == {
        6: 20,
        8: pytest.approx(20 / (1 - share)),
        106: pytest.approx(20 / (1 - share)),
        108: 20,
    }
    assert bench.vm.guest_ns(500) == 500


def test_a_helper_thread_fetches_what_an_l2_holds_from_core_to_core_and_not_from_memory() -> None:
    bench = Bench()
    bench.hold(1, 2, 3, 4)
    costs: list[float] = []

    def look() -> Any:
        yield bench.env.timeout(BEFORE_NS + 1)
        costs.append(bench.memory_ns)

    bench.env.process(look())
    bench.copy(HelperThread(bench.env, bench.vm, bench.read), 1, 2, 3, 4)
    assert bench.env.now == BEFORE_NS + 4 * 10
    assert costs == [20]


@pytest.mark.parametrize(
    ("held", "vm_stopped", "share"), [(0, False, 1.0), (1, False, 0.5), (2, False, 0), (0, True, 0)]
)
def test_what_the_other_host_pulls_from_memory_slows_the_misses_of_a_vm_that_runs(
    held: int, vm_stopped: bool, share: float
) -> None:
    bench = Bench()
    bench.hold(*range(1, held + 1))
    costs: set[float] = set()

    def look() -> Any:
        while True:
            costs.add(bench.memory_ns)
            yield bench.env.timeout(1)

    bench.env.process(look())
    bench.copy(bench.other_host(), 1, 2, vm_stopped=vm_stopped)
    answering = 2 * (8 + LINE_BYTES) + HEADER_BYTES
    assert max(costs) == pytest.approx(20 / (1 - share * 2 * LINE_BYTES / answering / 128))


def test_a_helper_thread_never_takes_all_of_the_bandwidth() -> None:
    bench = Bench()
    bench.vm = VirtualMachine(
        new_processor(memory={"latency": "80 ns", "bandwidth": "1 GB/s", "parallelism": 4.0}), new_log(), 0
    )
    bench.env.process(HelperThread(bench.env, bench.vm, bench.read).copy(numbers(1), before_ns=0, vm_stopped=False))
    bench.env.run(until=1)
    assert bench.memory_ns == pytest.approx(20 * 10)


def test_a_helper_thread_with_nothing_to_copy_takes_no_time() -> None:
    bench = Bench()
    assert bench.copy(HelperThread(bench.env, bench.vm, bench.read)) == []
    assert bench.env.now == BEFORE_NS


@pytest.mark.parametrize("vm_stopped", [True, False])
def test_the_other_host_pulls_batch_after_batch(vm_stopped: bool) -> None:
    bench = Bench()
    assert bench.copy(bench.other_host(), 1, 2, 3, vm_stopped=vm_stopped) == []
    asking = [2 * 8, 8]
    answering = [2 * (8 + LINE_BYTES), 8 + LINE_BYTES]
    ways_ns = MESSAGE_NS + 2 * (HEADER_BYTES + LATENCY_NS)
    trips = [ways_ns + ask + answer for ask, answer in zip(asking, answering, strict=True)]
    assert bench.staged == [([1, 2], BEFORE_NS + trips[0]), ([3], BEFORE_NS + sum(trips))]
    assert bench.env.now == BEFORE_NS + sum(trips)
    assert bench.vm.running


def test_lines_are_copied_as_they_stand_when_copying_begins() -> None:
    bench = Bench()
    batches: list[LineBatch] = []

    def copy() -> Any:
        batches.extend((yield from bench.core().copy(numbers(4), before_ns=BEFORE_NS, vm_stopped=False)))

    bench.env.process(copy())
    bench.env.run(until=5)
    bench.vm.processor.memory.versions[4] = 9
    bench.env.run()
    assert batches[0].versions.tolist() == [0]


@pytest.mark.parametrize(
    ("copier", "kind"), [("vm-core", VmCore), ("helper-thread", HelperThread), ("other-host", RemotePull)]
)
def test_the_scenario_says_who_copies(copier: str, kind: type) -> None:
    site = new_site(simpy.Environment(), **{"replication.copier": copier})
    reader = LineReader(site.primary.vm.processor, UnitPacking(site), site.recorder)
    assert isinstance(new_collector(site, reader, Endpoint(site.secondary.host)), kind)
