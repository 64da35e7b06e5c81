"""Distinct units in aligned windows, as a plain count has them."""

import numpy as np
import pytest

from vmfailover.studies.fit.curve import GRANULARITIES, REGIONS, observe
from vmfailover.traces.accesses import AccessChunk


def chunk(stores: int, seed: int = 1) -> AccessChunk:
    """Loads and stores to 4 MiB, some of them several times in a row."""
    random = np.random.default_rng(seed)
    block = (random.pareto(0.3, 2 * stores) * 10).astype(np.int64) % 65536
    return AccessChunk(
        0,
        block.astype(np.uint32),
        random.integers(0, 2, block.size).astype(np.uint8),
        random.integers(1, 4, block.size).astype(np.uint32),
        random.integers(0, 9, block.size).astype(np.uint32),
    )


def plain(positions: list[int], blocks: list[int], length: int, windows: int, size: int) -> list[int]:
    """The distinct units in each of some windows."""
    units: list[set[int]] = [set() for _ in range(windows)]
    for position, block in zip(positions, blocks, strict=True):
        if position // length < windows:
            units[position // length].add(block * 64 // size)
    return [len(each) for each in units]


def test_curves_are_as_a_plain_count_has_them() -> None:
    made = chunk(9_000)
    seen = observe([made.part(0, 7_000), made.part(7_000, made.records)], 1 << 22, 60_000, 200_000)
    stores = made.write != 0
    counts = np.where(stores, made.count, 0).astype(int)
    before, clock = np.cumsum(counts) - counts, np.cumsum(made.instructions.astype(int))
    assert (seen.stores, seen.accesses) == (counts.sum(), made.count.sum())
    assert seen.instructions == clock[-1]
    for curve, sizes, position, end in (
        (seen.by_stores, GRANULARITIES, before, seen.stores),
        (seen.by_instructions, GRANULARITIES, clock, seen.instructions),
        (seen.regions, REGIONS, before, seen.stores),
    ):
        assert curve.lengths.tolist() == [1000 * 2**k for k in range(20) if 1000 * 2**k <= end]
        for row, length in enumerate(curve.lengths.tolist()):
            assert curve.number[row] == end // length
            for column, size in enumerate(sizes):
                counted = plain(position[stores].tolist(), made.block[stores].tolist(), length, end // length, size)
                assert curve.units[row, column] == pytest.approx(np.mean(counted))
                assert curve.deviation[row, column] == pytest.approx(np.std(counted))
