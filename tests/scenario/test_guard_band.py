"""The room in the log that stores in flight may still need."""

import pytest
from scenarios_for_tests import small

from vmfailover.scenario.checks import guard_band


@pytest.mark.parametrize(("variant", "vcpus", "rows"), [("base", 1, 512), ("three-vcpus-log", 3, 64)])
@pytest.mark.parametrize("stores", [1, 64])
def test_it_has_room_for_every_row_and_every_store_in_flight(variant: str, vcpus: int, rows: int, stores: int) -> None:
    scenario = small(variant, **{"hosts.primary.store_queue": stores, "hosts.secondary.store_queue": 1})
    assert guard_band(scenario) == vcpus * (rows + stores)


def test_it_is_that_of_the_needier_host() -> None:
    scenario = small("base", **{"hosts.primary.store_queue": 3, "hosts.secondary.store_queue": 50})
    assert guard_band(scenario) == 512 + 50


def test_a_processor_that_stalls_needs_none() -> None:
    assert guard_band(small("log-stall")) == 0
