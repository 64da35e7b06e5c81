"""What is told of a guest without running it, where it idles."""

from typing import Any

import numpy as np
import pytest
from scenarios_for_tests import BASE

from vmfailover.scenario import Scenario
from vmfailover.studies.pace import pace_of
from vmfailover.studies.reach import reach_of

SETS = [
    {"kind": "random", "memory": "64 KiB", "visits": "50000 /s", "offset": "256 KiB"},
    {"kind": "stream", "memory": "32 KiB", "visits": "1000 /s", "burst": "4 KiB"},
]


def scenario(duration: str, **keys: Any) -> Scenario:
    base: Any = Scenario.model_validate(BASE)
    workload = {"kind": "hot-sets", "sets": SETS, **keys}
    result: Scenario = base.with_(workload=workload, duration=duration, failures=[], clients="none", vm=BASE["vm"])
    return result


@pytest.mark.parametrize("tick", ["100 us", "1 ms"])
def test_records_are_done_after_their_tick_has_begun(tick: str) -> None:
    pace = pace_of(scenario("100 ms", tick=tick))
    assert pace.lasts_ns >= 100e6
    assert np.all(np.diff(pace.done_ns) >= 0)
    assert np.count_nonzero(pace.done_ns <= 50e6) == pytest.approx(50_000 / 20 + 50 * 64, rel=0.1)


def test_units_stored_to_are_those_of_the_sets() -> None:
    pages = pace_of(scenario("20 ms")).stored_units(4e6, 4096)
    assert pages == pytest.approx(16 + 4, abs=2)


def test_no_more_is_looked_at_than_the_run_lasts() -> None:
    assert pace_of(scenario("1 ms")).lasts_ns < 2e6


@pytest.mark.parametrize("duration", ["50 ms", "1 h"])
def test_the_guest_reaches_its_sets_only(duration: str) -> None:
    reach = reach_of(scenario(duration), pace_of(scenario(duration)))
    assert reach.stored.tolist() == [*range(64, 80), *range(80, 88)]
