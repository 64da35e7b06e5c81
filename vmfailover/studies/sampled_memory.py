"""How much memory a run of a sampled guest will take: as much as the units of memory that it visits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import exp
from pathlib import Path

from vmfailover.guest.workloads.hot_sets import HotSet, HotSetsWorkload
from vmfailover.scenario import Scenario
from vmfailover.scenario.sizes import PAGE_BYTES
from vmfailover.scenario.units import SIZE

#: NumPy asks for huge pages for arrays from this size on, bytes.
HUGE_FROM_BYTES = 4 << 20
HUGE_PAGE_BYTES = 2 << 20
#: Bytes for each unit in the arrays that are written wherever the guest stores: on each host the version and the mark;
#: on the secondary also whether a unit has arrived; the auditor's version, its last epoch, and when it was logged.
HOST_BYTES = (4, 1)
OTHERS_BYTES = (1, 8, 4)
#: Bytes for each unit that is copied at once, measured: its number and its version, in the messages and while these
#: are made.
COPIED_BYTES = 30
#: Bytes for each vCPU: the visits that the guest and the auditor have at hand.
AT_HAND_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """Memory that a run takes for one purpose."""

    #: The key that makes it smaller, and what that key says.
    key: str
    value: str
    size: int


def sampled_parts_of(scenario: Scenario) -> tuple[Part, ...]:
    """Return what a run of a sampled guest takes memory for, beside Python and its libraries and what happens."""
    vcpus, in_use = scenario.vm.vcpus, scenario.in_use
    units = in_use // scenario.image_line
    copied = units * COPIED_BYTES if scenario.reprotection.possible else 0
    return (
        Part(*_memory_key(scenario), _arrays_bytes(scenario)),
        Part("vm.vcpus", str(vcpus), AT_HAND_BYTES * vcpus),
        Part("vm.in_use", SIZE.format(in_use), copied),
    )


def _memory_key(scenario: Scenario) -> tuple[str, str]:
    unit = scenario.image_line
    if unit < PAGE_BYTES:
        return "replication.granularity", SIZE.format(unit)
    return "vm.memory", SIZE.format(scenario.vm.memory)


def _arrays_bytes(scenario: Scenario) -> int:
    hosts = 2 + (len(scenario.failures) if scenario.reprotection.possible else 0)
    each = [*HOST_BYTES * hosts, *OTHERS_BYTES]
    return sum(_written_bytes(scenario, entry) for entry in each)


def _written_bytes(scenario: Scenario, entry: int) -> int:
    """Return the bytes that are written of an array with an entry of so many bytes for each unit."""
    assert isinstance(scenario.workload, HotSetsWorkload)
    whole = scenario.vm.memory // scenario.image_line * entry
    piece = written_piece_bytes(whole)
    covered = piece // entry * scenario.image_line
    seconds = scenario.duration / 1e9
    pieces = sum(pieces_visited(each, covered, seconds) for each in scenario.workload.sets)
    return min(whole, round((pieces + 1) * piece))


def pieces_visited(each: HotSet, covered: int, seconds: float) -> float:
    """Return how many stretches of memory, of so many bytes each, the visits to a set reach in a time."""
    pieces = max(1.0, each.memory / covered)
    return pieces * (1 - exp(-each.visits * seconds / pieces))


def written_piece_bytes(array_bytes: int) -> int:
    """Return the bytes of the pieces in which the operating system hands out an array of so many bytes."""
    return HUGE_PAGE_BYTES if array_bytes >= HUGE_FROM_BYTES and _huge_pages() else PAGE_BYTES


@cache
def _huge_pages() -> bool:
    """Whether the operating system gives huge pages to those who ask."""
    try:
        return "[never]" not in Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
    except OSError:
        return False
