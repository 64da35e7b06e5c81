"""The recorded redis guest: its trace is fitted well, and the fitted guest that is shipped does as the recorded one.

The tables have the mean distinct units of 64 B, 128 B and 4 KiB that are stored to in aligned windows of the recording
which `scenarios/guests/redis.yaml` is fitted to: 25 M accesses of the same run as scenarios/traces/redis-set.parquet,
which has 6 M. Those by instructions were counted when it was recorded, by a program of another author.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from vmfailover.guest.workloads.hot_sets import HotSetsWorkload
from vmfailover.scenario.reading import document_of
from vmfailover.studies.fit import fit_trace
from vmfailover.studies.fit.generated import stream_of
from vmfailover.studies.fit.profile import workload_of
from vmfailover.studies.progress import unseen

ROOT = Path(__file__).parents[3]
HERE = Path(__file__).parent
#: Stores of the longer recording.
STORES = 9_803_666
#: Columns, and blocks of their units as powers of two.
UNITS = {"lines64": 0, "lines128": 1, "pages4k": 6}
#: Larger ones, and how far off the guest may be, which its file says.
REGIONS = {"blocks64k": (10, 0.12), "blocks2m": (15, 0.06)}


def shipped() -> HotSetsWorkload:
    return workload_of(document_of(ROOT / "scenarios" / "guests" / "redis.yaml").data)


def counted(position: NDArray[np.int64], block: NDArray[np.int64], length: int, end: int, shift: int) -> float:
    """Mean distinct units in the whole windows of a length."""
    windows = end // length
    inside = position < windows * length
    distinct = np.unique(position[inside] // length << 32 | block[inside] >> shift)
    return distinct.size / windows


def table(name: str) -> list[dict[Any, float]]:
    """Rows by the names of their columns."""
    return pd.read_csv(HERE / name).to_dict("records")


@pytest.mark.slow
def test_its_trace_is_fitted_within_5_percent() -> None:
    found = fit_trace(ROOT / "scenarios" / "traces" / "redis-set.parquet")
    assert {point.granularity for point in found.points} == {64, 128, 4096}
    assert max(point.stores or 0 for point in found.points) > 2_000_000
    assert abs(found.worst.error) < 0.05


@pytest.mark.slow
def test_the_guest_that_is_shipped_modifies_as_the_recorded_one() -> None:
    chunks = list(stream_of(shipped(), STORES, 7, unseen))
    instructions, write, count, block = (
        np.concatenate([getattr(chunk, name) for chunk in chunks]).astype(np.int64)
        for name in ("instructions", "write", "count", "block")
    )
    stored, clock = write == 1, np.cumsum(instructions)
    before = np.cumsum(count * write) - count * write
    for row in table("redis_by_stores.csv"):
        for name, shift in UNITS.items():
            made = counted(before[stored], block[stored], int(row["window_stores"]), STORES, shift)
            assert made == pytest.approx(row[f"{name}_mean"], rel=0.05), (row, name)
    for row in table("redis_by_instructions.csv"):
        for name, shift in UNITS.items():
            made = counted(clock[stored], block[stored], int(row["window_instructions"]), int(clock[-1]), shift)
            assert made == pytest.approx(row[f"{name}_mean"], rel=0.05), (row, name)
        for name, (shift, error) in REGIONS.items():
            made = counted(clock[stored], block[stored], int(row["window_instructions"]), int(clock[-1]), shift)
            assert made == pytest.approx(row[f"{name}_mean"], rel=error), (row, name)
