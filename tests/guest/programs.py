"""Workloads written down access by access, and virtual machines to run them."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from scenarios_for_tests import TINY_HOST

from vmfailover.guest.placement import Placement
from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.hardware.address_log import AddressLog
from vmfailover.hardware.cache import kernel
from vmfailover.hardware.cache.state import new_logs
from vmfailover.hardware.memory import Memory, MemoryRange
from vmfailover.hardware.processor import FLAGS, HALTED, Processor, Tracking
from vmfailover.scenario.hosts import HostSpec
from vmfailover.traces.accesses import AccessChunk

LINES = 256
LINE_BYTES = 128
MEMORY_BYTES = LINES * LINE_BYTES
#: An instruction takes a nanosecond and a miss twenty; a hit in L1 takes nothing.
CLOCK: dict[str, Any] = {
    "clock": "1 GHz",
    "l3": None,
    "memory": {"latency": "80 ns", "bandwidth": "128 GB/s", "parallelism": 4.0},
}
MISS_NS = 20
#: Hypothesis gives the same examples every time.
EXAMPLES = settings(derandomize=True, deadline=None, max_examples=60)


class Record(NamedTuple):
    line: int
    write: bool = False
    times: int = 1
    instructions: int = 1


class Program:
    """Records for every vCPU, in chunks of a few."""

    def __init__(self, *vcpus: Sequence[Record], cut: int = 3, parallelism: float = 0.0) -> None:
        self.vcpus = vcpus
        self._cut = cut
        self._parallelism = parallelism

    def chunks(self, vcpu: int, first: int = 0) -> Iterator[AccessChunk]:
        records = self.vcpus[vcpu]
        for start in range(first, len(records), self._cut):
            yield self._chunk(start, records[start : start + self._cut])

    def _chunk(self, first: int, records: Sequence[Record]) -> AccessChunk:
        line, write, times, instructions = zip(*records, strict=True)
        return AccessChunk(
            first,
            np.array(line, np.uint32) * np.uint32(LINE_BYTES // 64),
            np.array(write, np.uint8),
            np.array(times, np.uint32),
            np.array(instructions, np.uint32),
            self._parallelism,
        )


RECORDS = st.builds(
    Record,
    line=st.integers(0, LINES - 1),
    write=st.booleans(),
    times=st.integers(1, 3),
    instructions=st.integers(1, 40),
)


def programs(vcpus: int, most: int = 60) -> st.SearchStrategy[Program]:
    """Return programs for so many vCPUs, each of at least one record."""
    records = st.lists(RECORDS, min_size=1, max_size=most)
    return st.builds(
        lambda lists, cut: Program(*lists, cut=cut),
        st.lists(records, min_size=vcpus, max_size=vcpus),
        st.integers(1, 20),
    )


def computer(cores: int, memory_lines: int = LINES, tracking: Tracking = FLAGS, **keys: Any) -> Processor:
    """Return a processor with the smallest caches."""
    spec = HostSpec.model_validate({**TINY_HOST, **CLOCK, **keys})
    return Processor(kernel, spec, cores, Memory(memory_lines * LINE_BYTES, LINE_BYTES), tracking)


def virtual_machine(
    program: Program,
    tracking: Tracking = FLAGS,
    *,
    log_lines: int = 256,
    guard_band: int = 0,
    request_entries: int = 0,
    placement: Placement | None = None,
    **keys: Any,
) -> VirtualMachine:
    """Return a VM at the beginning of a program, stopped at instant 0; without a placement the host is its own."""
    vcpus = len(program.vcpus)
    place = placement or Placement(0, tuple(range(vcpus)), MemoryRange(0, LINES))
    processor = computer(max(place.cores) + 1, place.image.end, tracking, **keys)
    logs = new_logs(vms=place.number + 1, size=log_lines * LINE_BYTES, line_bytes=LINE_BYTES)
    log = AddressLog(kernel, logs, place.number, MemoryRange(place.image.end, log_lines), guard_band)
    vm = VirtualMachine(processor, log, request_entries, placement)
    vm.load(program, (0,) * vcpus, 0, 0)
    return vm


def endless(lines: int = 1, *, write: bool = False, instructions: int = 1) -> Program:
    """Return a program that goes round some lines for longer than any test runs."""
    return Program([Record(line, write, 1, instructions) for line in range(lines)] * (20_000 // lines), cut=5000)


def everything(vm: VirtualMachine) -> dict[str, object]:
    """Return all that a VM and its hardware know, in guest time."""
    state, offset = vm.processor.state, vm.processor.offset
    clock = np.where(state.clock < HALTED, state.clock - offset, HALTED)
    arrays = {
        f"cache.{name}": np.asarray(value).tolist() for name, value in state._replace(clock=clock)._asdict().items()
    }
    log = vm.log.logs
    return {
        **arrays,
        "ring": log.ring.tolist(),
        "collecting": log.collecting.tolist(),
        "next": vm.log.next,
        "free": vm.log.free_entries,
        "positions": vm.positions,
    }
