"""What a run will take, told from its beginning."""

from typing import Any

import pytest
from scenarios_for_tests import small

from vmfailover.errors import InputError, NoProgressError
from vmfailover.scenario import Scenario
from vmfailover.simulation import Simulation
from vmfailover.studies import time_estimate
from vmfailover.studies.time_estimate import estimated

#: Accesses in a second of the clock of these tests.
SPEED = 2e7


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that stands still but for the accesses that simulations execute, whatever else the machine does."""
    begun: list[Simulation] = []

    class Noted(Simulation):
        def __init__(self, scenario: Scenario, **options: Any) -> None:
            super().__init__(scenario, **options)
            begun.append(self)

    monkeypatch.setattr(time_estimate, "Simulation", Noted)
    monkeypatch.setattr(time_estimate, "perf_counter", lambda: sum(each.active.vm.accesses for each in begun) / SPEED)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("protocol", ["base", "output-compare"])
def test_the_beginning_tells_what_the_whole_takes(protocol: str) -> None:
    whole = Simulation(small(protocol, duration="30 ms", failures=[]), samples=0)
    whole.run()
    taken = whole.active.vm.accesses / SPEED
    estimate = estimated(whole.scenario, taken / 4)
    assert estimate is not None
    assert estimate.seconds == pytest.approx(taken, rel=0.2)
    assert estimate.accesses_per_second == pytest.approx(SPEED)


def test_a_run_that_ends_at_once_is_its_own_estimate() -> None:
    estimate = estimated(small(duration="3 ms", failures=[]), 60.0)
    assert estimate is not None
    assert 0 < estimate.seconds < 10


@pytest.mark.parametrize("error", [InputError("a damaged trace"), NoProgressError("time stands still")])
def test_what_cannot_be_run_has_no_estimate(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Simulation, "run", run)
    assert estimated(small(), 0.1) is None


def test_an_interruption_by_the_user_is_none_of_the_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Simulation, "run", lambda *_, **__: None)
    with pytest.raises(KeyboardInterrupt):
        estimated(small(), 0.1)
