"""What a run will take, told from its beginning."""

from time import process_time

import pytest
from scenarios_for_tests import small

from vmfailover.errors import InputError, NoProgressError
from vmfailover.simulation import Simulation
from vmfailover.studies import time_estimate
from vmfailover.studies.time_estimate import estimated


@pytest.mark.parametrize("protocol", ["base", "output-compare"])
def test_the_beginning_tells_what_the_whole_takes_within_a_factor_of_two(
    protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_estimate, "perf_counter", process_time)  # others may have the processor for a while
    whole = Simulation(small(protocol, duration="30 ms", failures=[]), samples=0)
    whole.step()  # which compiles what is not compiled yet
    estimated(whole.scenario, 0.05)
    began = process_time()
    whole.run()
    taken = process_time() - began
    estimate = estimated(whole.scenario, 0.1)
    assert estimate is not None
    assert taken / 2 < estimate.seconds < 2 * taken
    assert 0.5 < estimate.accesses_per_second * taken / whole.active.vm.accesses < 2


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
