"""What tracking by page costs in bytes: Kona (ASPLOS'21), Waddington et al. (SoCC'22), and the trace here."""

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from vmfailover.guest.workloads.synthetic import SyntheticWorkload
from vmfailover.guest.workloads.workload import open_workload
from vmfailover.traces.accesses import AccessChunk
from vmfailover.traces.format import open_trace

from .published import RecordProperty, Row, report

TRACE = Path(__file__).parents[2] / "scenarios" / "traces" / "redis-set.parquet"
WINDOWS = (300_000, 1_000_000, 3_000_000, 10_000_000)
BLOCKS_A_PAGE = 4096 // 64


def dirtied(chunks: Iterable[AccessChunk], instructions: int) -> dict[int, tuple[float, float]]:
    """Return for each window, in instructions, the mean bytes dirtied in blocks of 64 B and in pages of 4 KiB."""
    blocks, instants, reached = [], [], 0
    for chunk in chunks:
        executed = np.cumsum(chunk.instructions, dtype=np.int64) + reached
        reached = int(executed[-1])
        stores = chunk.write == 1
        blocks.append(chunk.block[stores])
        instants.append(executed[stores])
        if reached > instructions:
            break
    block, instant = np.concatenate(blocks), np.concatenate(instants)
    return {window: _mean_bytes(block, instant, window, instructions) for window in WINDOWS}


def _mean_bytes(block: np.ndarray, instant: np.ndarray, window: int, end: int) -> tuple[float, float]:
    edges = np.searchsorted(instant, np.arange(0, end + 1, window)[:21])
    parts = [np.unique(block[start:stop]) for start, stop in pairwise(edges)]
    small = np.mean([part.size * 64 for part in parts])
    large = np.mean([np.unique(part // BLOCKS_A_PAGE).size * 4096 for part in parts])
    return float(small), float(large)


def exponent(found: dict[int, tuple[float, float]], grain: int) -> float:
    """Return how the dirty set grows with the window, as the slope between the first and the last on logarithms."""
    first, last = WINDOWS[0], WINDOWS[-1]
    return float(np.log(found[last][grain] / found[first][grain]) / np.log(last / first))


def of_trace() -> dict[int, tuple[float, float]]:
    return dirtied(open_trace(TRACE).chunks(0), 13_000_000)


def of_synthetic(**keys: object) -> dict[int, tuple[float, float]]:
    spec = SyntheticWorkload.model_validate({"working_set": "16 MiB", "instructions_per_access": 20.0, **keys})
    return dirtied(open_workload(spec, 1, 128, 1).chunks(0, 0), 13_000_000)


def test_pages_amplify_what_is_dirtied(record_property: RecordProperty) -> None:
    found = of_trace()
    ratios = {window: pages / blocks for window, (blocks, pages) in found.items()}
    rows = [Row("redis, 4 KiB ÷ 64 B at 1 M instructions", 5, ratios[1_000_000], "predicted", 0.15)]
    rows += [Row("redis, 4 KiB ÷ 64 B at 10 M instructions", 1.5, ratios[10_000_000], "predicted")]
    report("Dirty amplification (1.5 is for 100 M instructions, which no trace here has)", rows, record_property)
    assert all(later < earlier for earlier, later in pairwise(ratios.values()))
    assert all(2 <= ratio <= 10 for ratio in ratios.values())


def test_dirty_sets_grow_sublinearly_and_not_all_alike() -> None:
    zipf, uniform = of_synthetic(kind="zipf"), of_synthetic(kind="uniform")
    exponents = [exponent(found, 0) for found in (of_trace(), zipf, uniform)]
    assert all(0 < each < 1 for each in exponents)
    assert max(exponents) - min(exponents) > 0.1


@pytest.mark.parametrize("grain", [0, 1])
def test_the_trace_dirties_as_the_square_root_or_less(grain: int) -> None:
    assert 0.3 < exponent(of_trace(), grain) < 0.6
