"""Pages that real programs modify in windows of 1 to 200 ms, and how many of them the window before modified too.

One is paced: its stores are those of `scenarios/published/process-uffd.yaml`, where nothing was fitted. The other is a
database at full speed. Fitted are its dirty rates over 10 and 100 ms, in as much memory as it ever modifies, as
`vmfailover trace fit --dirty-rate` does; what it modifies in other windows, and all overlaps, are predicted.
"""

from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from vmfailover.guest.workloads.workload import open_workload
from vmfailover.scenario import load
from vmfailover.scenario.workload import Workload
from vmfailover.studies.fit import DirtyRate, fit_rates
from vmfailover.studies.fit.profile import workload_of

from .published import SCENARIOS, RecordProperty, Row, report, table

STORES, DATABASE = "stores20k/s_64MiB", "sqlite_update_unpaced"
PAGE_BYTES, PAGE_BLOCKS = 4096, 64
#: Windows whose rates are fitted, milliseconds, and all that is ever modified, pages.
FITTED, IN_USE = (10, 100), 11335
PAGES, OVERLAP = "distinct_pages_mean", "overlap_fraction_mean"
#: Windows that are looked at take so long together, at most, nanoseconds.
MOST_NS = 2_400_000_000
MISSES = {
    # A sixth of a page more is in two windows than chance puts there: perhaps that of a store which a stop interrupts.
    *((STORES, OVERLAP, window) for window in (1, 2, 5)),
    # Tracking slows the database the more, the shorter the window: it makes fewer updates of a millisecond, and so
    # modifies less than anything could whose pages of 10 ms are given.
    *((DATABASE, PAGES, window) for window in (2, 5)),
    # Some 20 pages are modified all the time, of which rates tell nothing.
    *((DATABASE, OVERLAP, window) for window in (1, 2)),
}


@cache
def measured(program: str) -> dict[int, dict[str, float]]:
    """Return what was measured in windows of so many milliseconds."""
    rows = (row for row in table("dirty_curve") if row.pop("workload") == program)
    numbers = ({name: float(value) for name, value in row.items() if name != "tracker"} for row in rows)
    return {int(row["window_ms"]): row for row in numbers}


@cache
def workload(program: str) -> Workload:
    if program == STORES:
        return load(SCENARIOS / "process-uffd.yaml").workload
    given = {window: measured(DATABASE)[window]["distinct_pages_mean"] for window in FITTED}
    rates = [DirtyRate(pages * PAGE_BYTES * 1e3 / window, window * 10**6) for window, pages in given.items()]
    return workload_of(fit_rates(rates, IN_USE * PAGE_BYTES).workload)


def window_ns(program: str, window: int) -> int:
    """Return how long it really is: late stores are made up for, so that the paced program's include the stop."""
    return round(measured(program)[window]["period_mean_ms"] * 1e6) if program == STORES else window * 10**6


def modified(spec: Workload, length_ns: int) -> Iterator[np.ndarray]:
    """Yield the pages that are stored to in each window."""
    pages: list[np.ndarray] = []
    end_ns = length_ns
    for chunk in open_workload(spec, 1, seed=1).chunks(0):
        while max(chunk.due_ns, chunk.not_before_ns) >= end_ns:
            yield np.unique(np.concatenate(pages))
            pages, end_ns = [], end_ns + length_ns
            if end_ns > MOST_NS:
                return
        pages.append(chunk.block[chunk.write == 1] // PAGE_BLOCKS)


def predicted(program: str, window: int) -> dict[str, float]:
    found = list(modified(workload(program), window_ns(program, window)))
    shared = [np.intersect1d(before, after).size / after.size for before, after in pairwise(found)]
    return {PAGES: float(np.mean([each.size for each in found])), OVERLAP: float(np.mean(shared))}


def rows_of(program: str, window: int) -> Iterator[Row]:
    for name, found in predicted(program, window).items():
        fitted = program == DATABASE and window in FITTED and name == PAGES
        tolerance = None if (program, name, window) in MISSES else 0.1
        kind = "fitted" if fitted else "predicted"
        yield Row(f"{name}, {window} ms", measured(program)[window][name], found, kind, tolerance)


@pytest.mark.parametrize(("program", "window"), [(STORES, 100), pytest.param(DATABASE, 50, marks=pytest.mark.slow)])
def test_a_window(program: str, window: int, record_property: RecordProperty) -> None:
    report(f"Pages modified in windows: {program}", list(rows_of(program, window)), record_property)


@pytest.mark.slow
@pytest.mark.parametrize("program", [STORES, DATABASE])
def test_every_window(program: str, record_property: RecordProperty) -> None:
    rows = [row for window in measured(program) for row in rows_of(program, window)]
    report(f"Pages modified in windows: {program}", rows, record_property)
