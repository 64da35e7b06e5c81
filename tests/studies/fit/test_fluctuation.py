"""How much a guest fluctuates is told by its windows, beyond what its sets' own draws make."""

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest

from vmfailover.guest.workloads.hot_sets import HotSetsWorkload
from vmfailover.guest.workloads.workload import open_workload
from vmfailover.studies.fit.curve import Observation, observe
from vmfailover.studies.fit.fluctuation import fluctuation_of
from vmfailover.studies.fit.least_squares import fitted_sets
from vmfailover.traces.accesses import AccessChunk

from .guests import guest, hot_set

TICKS, INSTRUCTIONS = 4_000, 10_000
SETS = (hot_set(1e6, "64 KiB"), hot_set(1e6, "4 MiB"), hot_set(1e5, "64 MiB"))


def at_a_steady_speed(spec: HotSetsWorkload) -> Observation:
    """What a guest does that executes as many instructions in every tick."""

    def chunks() -> Iterator[AccessChunk]:
        for chunk in islice(open_workload(spec, 1, seed=5).chunks(0), TICKS):
            ends = np.linspace(0, INSTRUCTIONS, chunk.records + 1).astype(int)
            yield chunk._replace(instructions=np.diff(ends).astype(np.uint32))

    return observe(chunks(), 1 << 28, 10_000_000, TICKS * INSTRUCTIONS + 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variation", "correlation"),
    [(0.3, 4), (0.6, 10), (0.9, 20)],
)
def test_a_known_fluctuation_comes_back(variation: float, correlation: int) -> None:
    keys = {"variation": f"{100 * variation} %", "correlation": f"{100 * correlation} us"}
    seen = at_a_steady_speed(guest(*SETS, fluctuation=keys))
    sets, stores = fitted_sets(seen.by_stores), seen.stores / seen.instructions
    found = fluctuation_of(seen.by_instructions, sets, stores, INSTRUCTIONS)
    assert found is not None
    assert found.variation == pytest.approx(variation, rel=0.25)
    assert found.correlation == pytest.approx(correlation * INSTRUCTIONS, rel=0.5)


def test_a_steady_guest_has_none() -> None:
    seen = at_a_steady_speed(guest(*SETS))
    sets, stores = fitted_sets(seen.by_stores), seen.stores / seen.instructions
    assert fluctuation_of(seen.by_instructions, sets, stores, INSTRUCTIONS) is None
