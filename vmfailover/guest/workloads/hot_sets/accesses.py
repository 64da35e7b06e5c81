"""The memory accesses of hot sets: each visit's stores, with its loads between them."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vmfailover.engine.compilation import compiled
from vmfailover.guest.workloads.generator import below, random_bits
from vmfailover.guest.workloads.hot_sets import PAGE_BLOCKS, HotSetsWorkload
from vmfailover.guest.workloads.hot_sets.draws import HotSetDraws, SetTable, Visits, page_at, part_of
from vmfailover.guest.workloads.hot_sets.poisson import uniform
from vmfailover.guest.workloads.keys import Purpose, child, vcpu_keys
from vmfailover.traces.accesses import BLOCK_BYTES, AccessChunk

__all__ = ["HotSetAccesses"]


class _Means(NamedTuple):
    """What a visit to each set does, as arrays."""

    #: int64[sets]: blocks that are stored to.
    blocks: NDArray[np.int64]
    #: float64[sets]: mean stores to each of them.
    stores: NDArray[np.float64]
    #: float64[sets]: mean loads for each store.
    loads: NDArray[np.float64]
    #: Mean instructions for each access.
    instructions: float


class HotSetAccesses:
    """Endless streams of accesses, a chunk for each tick of guest time in which a vCPU visits a set.

    A visit stores to the blocks of its burst one after the other; all stores to a block are one record, before which
    come its loads. Stores, loads and instructions add up to their means. A vCPU's records are numbered from each tick's
    own first number on, so that any tick can be begun with; the numbers between two ticks are no record's.
    """

    def __init__(self, spec: HotSetsWorkload, vcpus: int, line_bytes: int | None, seed: np.random.SeedSequence) -> None:
        """The same seed, sets and vCPU have the same accesses, whatever the bytes of a line."""
        del line_bytes
        self._draws = HotSetDraws(spec, vcpus, seed)
        self._tick_ns = spec.tick
        self._means = _Means(
            blocks=np.array([each.burst // BLOCK_BYTES for each in spec.sets], np.int64),
            stores=np.array([each.stores for each in spec.sets]),
            loads=np.array([each.loads for each in spec.sets]),
            instructions=spec.instructions_per_access,
        )
        #: int64[sets]: the most records of a visit.
        self._records = np.array(
            [each.burst // BLOCK_BYTES * (1 + ceil(ceil(each.stores) * each.loads)) for each in spec.sets], np.int64
        )
        self._shift = int((self._records @ self._draws.table.most).max()).bit_length()
        self._keys = vcpu_keys(child(seed), Purpose.LOADS, vcpus)

    def chunks(self, vcpu: int, first: int = 0) -> Iterator[AccessChunk]:
        """The records of a vCPU from number `first` on, without end; none of a vCPU that visits no set."""
        if not self._draws.table.most[:, vcpu].any():
            return
        tick, within = divmod(first, 1 << self._shift)
        while True:
            chunk = self._chunk(vcpu, tick)
            if chunk.records > within:
                yield chunk.part(within, chunk.records)
            tick, within = tick + 1, 0

    def _chunk(self, vcpu: int, tick: int) -> AccessChunk:
        """The records of a tick, of which there may be none."""
        visits = self._draws.visits(vcpu, tick)
        most = int(self._records[visits.set].sum())
        block, count, instructions = np.empty((3, most), np.uint32)
        chunk = AccessChunk(tick << self._shift, block, np.empty(most, np.uint8), count, instructions)
        records = _fill(*chunk[1:5], visits, self._draws.table, self._means, self._keys[vcpu], tick)
        return chunk._replace(not_before_ns=tick * self._tick_ns).part(0, records)


@compiled
def _fill(
    block: NDArray[np.uint32],
    write: NDArray[np.uint8],
    count: NDArray[np.uint32],
    instructions: NDArray[np.uint32],
    visits: Visits,
    table: SetTable,
    means: _Means,
    vcpu_key: np.uint64,
    tick: int,
) -> int:
    """Sets the records of a tick's visits; returns how many there are.

    What is left of a mean beyond whole numbers is carried on, from a random beginning in each tick.
    """
    key = random_bits(vcpu_key, np.uint64(tick))
    sets = len(table.first)
    stores = np.array([uniform(key, np.uint64(2 * each + 1)) for each in range(sets)])
    loads = np.array([uniform(key, np.uint64(2 * each + 2)) for each in range(sets)])
    steps, record = uniform(key, np.uint64(0)), 0
    place = random_bits(key, np.uint64(2 * sets + 1))
    for visit in range(len(visits.set)):
        each, page = visits.set[visit], np.int64(visits.page[visit])
        for offset in range(means.blocks[each]):
            stores[each] += means.stores[each]
            number = int(stores[each])
            stores[each] -= number
            loads[each] += number * means.loads[each]
            for _ in range(int(loads[each])):
                steps += means.instructions
                bits = random_bits(place, np.uint64(record))
                if not table.turns[each]:
                    drawn = np.int64(below(bits << np.uint64(6), np.uint64(table.pages[each])))
                    page = np.int64(page_at(table, each, int(drawn)))
                loaded = np.int64(bits >> np.uint64(58)) % table.part[each] + part_of(table, each, int(page))
                block[record] = page * PAGE_BLOCKS + loaded
                write[record], count[record], instructions[record] = 0, 1, int(steps)
                steps -= int(steps)
                record += 1
            loads[each] -= int(loads[each])
            steps += number * means.instructions
            block[record] = np.int64(visits.page[visit]) * PAGE_BLOCKS + visits.block[visit] + offset
            write[record], count[record], instructions[record] = 1, number, int(steps)
            steps -= int(steps)
            record += 1
    return record
