"""Which pages of hot sets are visited in a tick of guest time, and in which order."""

from __future__ import annotations

from math import floor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vmfailover.engine.compilation import compiled
from vmfailover.guest.workloads.generator import GAMMA, below, random_bits
from vmfailover.guest.workloads.hot_sets import PAGE_BLOCKS, HotSetsWorkload
from vmfailover.guest.workloads.hot_sets.pace import UNIT, pace_of
from vmfailover.guest.workloads.hot_sets.poisson import draw_poisson
from vmfailover.guest.workloads.keys import Purpose, child, vcpu_keys, words
from vmfailover.scenario.sizes import PAGE_BYTES
from vmfailover.traces.accesses import BLOCK_BYTES

__all__ = [
    "HotSetDraws",
    "SetTable",
    "Visits",
    "begin_of",
    "fill_counts",
    "page_at",
    "page_of",
    "part_of",
    "passed",
]


class Visits(NamedTuple):
    """Visits to pages, in the order in which they come. The arrays are of one length, which may be 0."""

    #: uint16[n]: the set, an index into the workload's `sets`.
    set: NDArray[np.uint16]
    #: uint32[n]: the page, counted in pages of 4 KiB from address 0 of the VM.
    page: NDArray[np.uint32]
    #: uint8[n]: the first block of 64 bytes that is stored to, counted within the page; the burst is the set's.
    block: NDArray[np.uint8]


class SetTable(NamedTuple):
    """The sets as arrays, a row each; those with two dimensions have a column a vCPU."""

    #: int64[sets]: the first page.
    first: NDArray[np.int64]
    #: int64[sets]: the number of pages.
    pages: NDArray[np.int64]
    #: int64[sets]: pages from one of them to the next.
    stride: NDArray[np.int64]
    #: int64[sets]: blocks of a page that are visited.
    part: NDArray[np.int64]
    #: int64[sets]: places in that part of a page at which a burst can begin.
    begins: NDArray[np.int64]
    #: int64[sets]: blocks from one of these places to the next.
    step: NDArray[np.int64]
    #: bool[sets]: whether pages come in turn.
    turns: NDArray[np.bool_]
    #: int64[sets]: ticks from one that has visits to the next.
    every: NDArray[np.int64]
    #: float64[sets, vcpus]: mean visits of a tick that has any; 0 for a vCPU that has none.
    mean: NDArray[np.float64]
    #: int64[sets, vcpus]: no tick has more visits.
    most: NDArray[np.int64]
    #: float64[sets, vcpus]: where a stream begins, in pages.
    start: NDArray[np.float64]
    #: uint64[sets, vcpus]: keys of the random numbers.
    key: NDArray[np.uint64]


class HotSetDraws:
    """The visits of each vCPU in each tick of guest time: a function of seed, vCPU and tick.

    A set's visits in a tick are as many as Poisson's law gives, its mean being the set's rate times the tick, times the
    factor of the fluctuation. A stream's come evenly in place of that: as many as its position, the sum of the means
    from guest time 0 on, passes whole pages. Its vCPUs share a stream's pages, k/n of the way from each other.
    """

    def __init__(self, spec: HotSetsWorkload, vcpus: int, seed: np.random.SeedSequence | int) -> None:
        """Draw for a VM of so many vCPUs; more of them, and further sets, leave the random numbers of others alone."""
        key = words(child(seed, Purpose.FLUCTUATION), 1)[0]
        self.pace = pace_of(spec.fluctuation, spec.tick, key)
        self.table = _table(spec, vcpus, seed, self.pace.most)
        self._order = vcpu_keys(child(seed), Purpose.ORDER, vcpus)

    def visits(self, vcpu: int, tick: int) -> Visits:
        """All visits of a vCPU in a tick, from 0; any tick can be asked for at any time."""
        counts = self.counts(vcpu, tick)
        total = int(counts.sum())
        visits = Visits(np.empty(total, np.uint16), np.empty(total, np.uint32), np.empty(total, np.uint8))
        if total:
            _fill_visits(*visits, counts, self.table, vcpu, tick, self.pace.at(tick).before, self._order[vcpu])
        return visits

    def counts(self, vcpu: int, tick: int) -> NDArray[np.int64]:
        """int64[sets]: how often a vCPU visits each set in a tick."""
        counts = np.empty(len(self.table.first), np.int64)
        fill_counts(counts, self.table, vcpu, tick, *self.pace.at(tick))
        return counts


def _table(spec: HotSetsWorkload, vcpus: int, seed: np.random.SeedSequence | int, most: float) -> SetTable:
    sets = spec.sets
    pages = np.array([each.memory // PAGE_BYTES for each in sets], np.int64)
    blocks = np.array([each.burst // BLOCK_BYTES for each in sets], np.int64)
    part = np.array([each.within // BLOCK_BYTES for each in sets], np.int64)
    step = np.where(blocks & (blocks - 1), 1, blocks)
    mean = _means(spec, vcpus)
    keys = np.array(
        [vcpu_keys(child(seed, Purpose.VISITS, index), Purpose.VISITS, vcpus) for index in range(len(sets))]
    )
    lead = pages[:, None] * (np.cumsum(mean > 0, axis=1) - 1) / (mean > 0).sum(axis=1, keepdims=True)
    return SetTable(
        first=np.array(spec.offsets, np.int64) // PAGE_BYTES,
        pages=pages,
        stride=np.array([each.stride for each in sets], np.int64) // PAGE_BYTES,
        part=part,
        begins=(part - blocks) // step + 1,
        step=step,
        turns=np.array([each.kind == "stream" for each in sets]),
        every=np.array([(each.period or spec.tick) // spec.tick for each in sets], np.int64),
        mean=mean,
        most=_most(mean * most),
        start=np.floor(lead) + (keys >> np.uint64(12)) * 2.0**-52,
        key=keys,
    )


def _means(spec: HotSetsWorkload, vcpus: int) -> NDArray[np.float64]:
    mean = np.zeros((len(spec.sets), vcpus))
    for row, each in zip(mean, spec.sets, strict=True):
        those = range(vcpus) if each.vcpus is None else each.vcpus
        row[list(those)] = each.visits * (each.period or spec.tick) / 1e9 / len(those)
    return mean


def _most(mean: NDArray[np.float64]) -> NDArray[np.int64]:
    """More than Poisson's law of a mean gives once in 10**20 times; 0 for a mean of 0."""
    return np.where(mean > 0, mean + 12 * np.sqrt(mean) + 24, 0).astype(np.int64)


@compiled
def fill_counts(counts: NDArray[np.int64], table: SetTable, vcpu: int, tick: int, before: int, factor: int) -> None:
    """Set how often a vCPU visits each set in a tick, `before` and `factor` being those of its `Span`."""
    for each in range(len(counts)):
        mean, count = table.mean[each, vcpu], 0
        if mean > 0 and table.turns[each]:
            start = table.start[each, vcpu]
            count = passed(mean, before + factor, start) - passed(mean, before, start)
        elif mean > 0 and tick % table.every[each] == 0:
            key = random_bits(table.key[each, vcpu], np.uint64(tick))
            count = draw_poisson(mean * factor / UNIT, random_bits(key, np.uint64(0)))
        counts[each] = min(count, table.most[each, vcpu])


@compiled
def passed(mean: float, factors: int, start: float) -> int:
    """Whole pages that a stream has passed once the factors of its ticks add up to `factors`."""
    return floor(mean * factors / UNIT + start)


@compiled
def page_of(table: SetTable, each: int, bits: np.uint64, turn: int) -> int:
    """Return the page of a visit to a set, drawn from its random bits, or the one whose turn it is."""
    pages = table.pages[each]
    return page_at(table, each, int(turn % pages if table.turns[each] else np.int64(below(bits, np.uint64(pages)))))


@compiled
def page_at(table: SetTable, each: int, number: int) -> int:
    """Return the page of a set that has a number among its pages, from 0."""
    return int(table.first[each] + number * table.stride[each])


@compiled
def part_of(table: SetTable, each: int, page: int) -> int:
    """Return the first block of that part of a page to which a set's visits go."""
    places = PAGE_BLOCKS // table.part[each]
    return int(np.int64(below(np.uint64(page) * GAMMA, np.uint64(places))) * table.part[each])


@compiled
def begin_of(table: SetTable, each: int, page: int, bits: np.uint64) -> int:
    """Return the block of its page with which a visit to a set begins, drawn from its random bits."""
    drawn = np.int64(below(bits * GAMMA, np.uint64(table.begins[each]))) * table.step[each]
    return int(drawn) + part_of(table, each, page)


@compiled
def _fill_visits(
    number: NDArray[np.uint16],
    page: NDArray[np.uint32],
    block: NDArray[np.uint8],
    counts: NDArray[np.int64],
    table: SetTable,
    vcpu: int,
    tick: int,
    before: int,
    order: np.uint64,
) -> None:
    """Sets the visits of a tick, those of all sets mixed at random."""
    _fill_shuffled(number, counts, random_bits(order, np.uint64(tick)))
    done = np.zeros(len(counts), np.int64)
    for index in range(len(number)):
        each = number[index]
        key = random_bits(table.key[each, vcpu], np.uint64(tick))
        bits = random_bits(key, np.uint64(done[each] + 1))
        gone = passed(table.mean[each, vcpu], before, table.start[each, vcpu])
        visited = page_of(table, each, bits, gone + done[each])
        page[index] = np.uint32(visited)
        block[index] = np.uint8(begin_of(table, each, visited, bits))
        done[each] += 1


@compiled
def _fill_shuffled(number: NDArray[np.uint16], counts: NDArray[np.int64], key: np.uint64) -> None:
    """Sets as many numbers as each set has visits, in a random order: the shuffle of Fisher and Yates."""
    filled = 0
    for each in range(len(counts)):
        for _ in range(counts[each]):
            other = np.int64(below(random_bits(key, np.uint64(filled)), np.uint64(filled + 1)))
            number[filled] = number[other]
            number[other] = np.uint16(each)
            filled += 1
