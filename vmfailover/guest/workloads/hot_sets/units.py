"""Visits to hot sets as the units of memory that they store to, many ticks at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vmfailover.engine.compilation import compiled
from vmfailover.guest.workloads.generator import random_bits
from vmfailover.guest.workloads.hot_sets import PAGE_BLOCKS, HotSetsWorkload
from vmfailover.guest.workloads.hot_sets.draws import (
    HotSetDraws,
    SetTable,
    begin_of,
    fill_counts,
    page_at,
    page_of,
    part_of,
    passed,
)
from vmfailover.hardware.sampled.visits import WITHIN_TICK_BITS, Demand, SetDemand
from vmfailover.scenario.sizes import PAGE_BYTES
from vmfailover.traces.accesses import BLOCK_BYTES

__all__ = ["SampledHotSets", "UnitVisits"]

#: Visits in a block of ticks, about, and ticks in one at most.
_BLOCK_VISITS = 1 << 14
_MOST_TICKS = 1 << 12
#: Blocks of ticks that are kept for each vCPU: whoever executes the guest again is not far behind.
_KEPT = 4
#: Visits to each place of a set, in the mean, of which none is missed but once in e to this power.
_DENSE = 12


class UnitVisits(NamedTuple):
    """Consecutive visits of a vCPU, which begin when their ticks come. The arrays are of one length, which may be 0."""

    #: uint32[n]: the unit of memory that is stored to.
    unit: NDArray[np.uint32]
    #: uint16[n]: the set that it is visited for.
    set: NDArray[np.uint16]
    #: int64[n]: the tick, times 2 ** `WITHIN_TICK_BITS`, plus the number within it.
    position: NDArray[np.int64]
    #: uint32[n]: how many visits of its tick it stands for.
    visits: NDArray[np.uint32]
    #: The position of the first visit that may follow.
    end: int

    @classmethod
    def none(cls, end: int) -> UnitVisits:
        """No visit, up to a position."""
        return cls.room(0)._replace(end=end)

    @classmethod
    def room(cls, size: int) -> UnitVisits:
        """So many visits, to be filled in."""
        columns = np.empty(size, np.uint32), np.empty(size, np.uint16), np.empty(size, np.int64)
        return cls(*columns, np.empty(size, np.uint32), 0)

    def part(self, part: slice, end: int) -> UnitVisits:
        """Some of them, sharing memory with these."""
        return UnitVisits(self.unit[part], self.set[part], self.position[part], self.visits[part], end)

    @property
    def block(self) -> NDArray[np.uint32]:
        """What is stored to, one store a visit, as a chunk of accesses has it."""
        return self.unit

    @property
    def write(self) -> NDArray[np.uint8]:
        """Ones, uint8[n]."""
        return np.ones(len(self.unit), np.uint8)

    @property
    def count(self) -> NDArray[np.uint32]:  # type: ignore[override]  # hides tuple.count
        """Ones, uint32[n]."""
        return np.ones(len(self.unit), np.uint32)

    def between(self, first: int, stop: int) -> UnitVisits:
        """Those from one position to another (exclusive), sharing memory with these."""
        begin, last = np.searchsorted(self.position, (first, stop))
        return self.part(slice(int(begin), int(last)), min(stop, self.end))


class SampledHotSets:
    """The visits of each vCPU to units of memory, the same as those of `HotSetDraws`, in the order of their ticks.

    A visit to more than one unit is a visit to each of them. Where a tick's visits are so many that they reach all
    units of a set, these are visited in turn, each for its share.
    """

    def __init__(
        self,
        spec: HotSetsWorkload,
        vcpus: int,
        seed: np.random.SeedSequence | int,
        unit_bytes: int,
        line_bytes: int,
    ) -> None:
        """Draw visits to units of so many bytes, a power of two from that of a block on.

        `line_bytes` is that of the hosts' caches, whose work a visit is told with.
        """
        self._draws = HotSetDraws(spec, vcpus, seed)
        #: What the visits ask of a processor.
        self.demand = Demand(spec.tick, tuple(_demands(spec, vcpus, unit_bytes, line_bytes)))
        burst = np.array([each.burst for each in self.demand.sets], np.int64)
        parts = np.array([each.parts for each in self.demand.sets])
        self._shape = _Shape(unit_bytes // BLOCK_BYTES, burst, parts)
        most = self._draws.table.most * (2 + (burst[:, np.newaxis] - 1) // self._shape.unit_blocks)
        mean = float(self._draws.table.mean.sum(axis=0).max())
        self._ticks = int(max(1, min(_MOST_TICKS, _BLOCK_VISITS / max(mean, 1e-9))))
        self._most = most.sum(axis=0)
        self._kept: OrderedDict[tuple[int, int], UnitVisits] = OrderedDict()
        self._keep = _KEPT * vcpus

    def visits(self, vcpu: int, position: int = 0) -> Iterator[UnitVisits]:
        """The visits of a vCPU from a position on, without end, block of ticks by block of ticks."""
        number = (position >> WITHIN_TICK_BITS) // self._ticks
        block = self._block(vcpu, number)
        yield block.between(position, block.end)
        while True:
            number += 1
            yield self._block(vcpu, number)

    def _block(self, vcpu: int, number: int) -> UnitVisits:
        key = vcpu, number
        if key not in self._kept:
            self._kept[key] = self._drawn(vcpu, number * self._ticks)
            if len(self._kept) > self._keep:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _drawn(self, vcpu: int, first: int) -> UnitVisits:
        """The visits of a block of ticks; a part that is full is followed by another."""
        spans = self._draws.pace.spans(first, self._ticks)
        last, parts = first + self._ticks, list[UnitVisits]()
        tick, most = first, int(self._most[vcpu])
        room = most + 2 * _BLOCK_VISITS
        while tick < last:
            part = UnitVisits.room(room)
            columns = part.unit, part.set, part.position, part.visits
            sets = self._draws.table, self._shape, vcpu
            filled, tick = _fill_units(*columns, *sets, (tick, first), spans.before, spans.factor, most)
            parts.append(part.part(slice(filled), 0))
        return UnitVisits(
            np.concatenate([part.unit for part in parts]),
            np.concatenate([part.set for part in parts]),
            np.concatenate([part.position for part in parts]),
            np.concatenate([part.visits for part in parts]),
            last << WITHIN_TICK_BITS,
        )


def _demands(spec: HotSetsWorkload, vcpus: int, unit_bytes: int, line_bytes: int) -> Iterator[SetDemand]:
    for each, offset in zip(spec.sets, spec.offsets, strict=True):
        burst = each.burst // BLOCK_BYTES
        loads = burst * each.stores * each.loads
        yield SetDemand(
            first=offset // PAGE_BYTES,
            pages=each.memory // PAGE_BYTES,
            within=each.within,
            stride=each.stride,
            rate=each.visits,
            stream=each.kind == "stream",
            vcpus=vcpus if each.vcpus is None else len(each.vcpus),
            burst=burst,
            stores=each.stores,
            loads=loads,
            instructions=(burst * each.stores + loads) * spec.instructions_per_access,
            parts=_units_of_visit(burst, unit_bytes // BLOCK_BYTES),
            burst_lines=_units_of_visit(burst, line_bytes // BLOCK_BYTES),
        )


def _units_of_visit(burst: int, unit_blocks: int) -> float:
    """The mean number of units of so many blocks that a visit stores to, wherever its burst of blocks begins."""
    begins = range(0, PAGE_BLOCKS + 1 - burst, 1 if burst & (burst - 1) else burst)
    touched = [(first + burst - 1) // unit_blocks - first // unit_blocks + 1 for first in begins]
    return sum(touched) / len(touched)


class _Shape(NamedTuple):
    """How visits lie in units."""

    #: Blocks of a unit.
    unit_blocks: int
    #: int64[sets]: blocks that a visit stores to.
    burst: NDArray[np.int64]
    #: float64[sets]: units that a visit stores to, in the mean.
    parts: NDArray[np.float64]


@compiled
def _fill_units(
    unit: NDArray[np.uint32],
    which: NDArray[np.uint16],
    position: NDArray[np.int64],
    visits: NDArray[np.uint32],
    table: SetTable,
    shape: _Shape,
    vcpu: int,
    ticks: tuple[int, int],
    before: NDArray[np.int64],
    factor: NDArray[np.int64],
    most: int,
) -> tuple[int, int]:
    """Fill in the visits of ticks as long as one of `most` visits has room; return how many, and the tick that follows.

    `ticks` are the one to begin with, and that of which `before` and `factor` are the first.
    """
    counts = np.empty(len(shape.burst), np.int64)
    tick, first = ticks
    filled = 0
    while tick - first < len(factor) and filled + most <= len(unit):
        begun = filled
        fill_counts(counts, table, vcpu, tick, before[tick - first], factor[tick - first])
        for each in range(len(counts)):
            of_set = filled
            if counts[each] >= _enough(table, shape, each):
                filled = _fill_all(unit, visits, filled, table, shape, each, counts[each])
            elif counts[each]:
                filled = _fill_drawn(unit, filled, table, shape, each, vcpu, tick, counts[each], before[tick - first])
                visits[of_set:filled] = 1
            which[of_set:filled] = each
        for number in range(filled - begun):
            position[begun + number] = (tick << WITHIN_TICK_BITS) + number
        tick += 1
    return filled, tick


@compiled
def _enough(table: SetTable, shape: _Shape, each: int) -> int:
    """Visits of a tick that, as good as certainly, store to every unit of a set."""
    if table.turns[each]:
        return int(table.pages[each] if shape.unit_blocks >= PAGE_BLOCKS else 1 << 62)
    return int(_DENSE * table.pages[each] * (1 if shape.unit_blocks >= PAGE_BLOCKS else table.begins[each]))


@compiled
def _fill_all(
    unit: NDArray[np.uint32],
    visits: NDArray[np.uint32],
    filled: int,
    table: SetTable,
    shape: _Shape,
    each: int,
    count: int,
) -> int:
    """Fill in every unit of a set after the `filled` ones, each with its share of the visits; return how many are."""
    units = _units_of(table, shape, each)
    total = np.int64(count * shape.parts[each])
    for number in range(units):
        unit[filled + number] = np.uint32(_unit_at(table, shape, each, number))
        visits[filled + number] = np.uint32((number + 1) * total // units - number * total // units)
    return filled + int(units)


@compiled
def _units_of(table: SetTable, shape: _Shape, each: int) -> int:
    """Return how many units a set has."""
    if shape.unit_blocks > table.stride[each] * PAGE_BLOCKS:
        return int(_unit_of_page(table, shape, each, table.pages[each] - 1) - _unit_of_page(table, shape, each, 0) + 1)
    return int(table.pages[each] * max(1, table.part[each] // shape.unit_blocks))


@compiled
def _unit_at(table: SetTable, shape: _Shape, each: int, number: int) -> int:
    """Return the unit of a set that has a number among its units, from 0."""
    if shape.unit_blocks > table.stride[each] * PAGE_BLOCKS:
        return int(_unit_of_page(table, shape, each, 0) + number)
    a_page = max(1, table.part[each] // shape.unit_blocks)
    return int(_unit_of_page(table, shape, each, number // a_page) + number % a_page)


@compiled
def _unit_of_page(table: SetTable, shape: _Shape, each: int, number: int) -> int:
    """Return the first unit that visits to a page of a set store to."""
    page = page_at(table, each, number)
    return int((page * PAGE_BLOCKS + part_of(table, each, page)) // shape.unit_blocks)


@compiled
def _fill_drawn(
    unit: NDArray[np.uint32],
    filled: int,
    table: SetTable,
    shape: _Shape,
    each: int,
    vcpu: int,
    tick: int,
    count: int,
    before: int,
) -> int:
    """Fill in the units of each visit to a set after the `filled` ones, as it is drawn; return how many there are."""
    key = random_bits(table.key[each, vcpu], np.uint64(tick))
    gone = passed(table.mean[each, vcpu], before, table.start[each, vcpu])
    for number in range(count):
        bits = random_bits(key, np.uint64(number + 1))
        page = page_of(table, each, bits, gone + number)
        block = page * PAGE_BLOCKS
        if shape.unit_blocks < PAGE_BLOCKS:
            block += begin_of(table, each, page, bits)
        for part in range(block // shape.unit_blocks, (block + shape.burst[each] - 1) // shape.unit_blocks + 1):
            unit[filled] = np.uint32(part)
            filled += 1
    return filled
