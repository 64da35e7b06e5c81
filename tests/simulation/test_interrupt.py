"""The user ends a run early."""

import gc
from typing import Any

import pytest
from runs_for_tests import broken, happened, observe
from scenarios_for_tests import small

from vmfailover import simulation
from vmfailover.results.records import Records, records_of


def interrupt_at(instant: int, seen: list[int]) -> None:
    seen.append(instant)
    if instant >= 4_200_000:
        raise KeyboardInterrupt


@pytest.mark.parametrize("variant", ["base", "no-streaming", "log-stall-least", "slow-link", "three-vcpus-drain"])
def test_an_interrupt_leaves_a_result_that_holds(variant: str) -> None:
    seen: list[int] = []
    run = observe(small(variant), progress=lambda instant: interrupt_at(instant, seen))
    assert run.result.interrupted
    assert run.result.end_ns == seen[-1] < run.result.scenario.duration
    assert happened(run.result, "commit")
    assert not broken(run)


def test_progress_rises_to_the_end() -> None:
    seen: list[int] = []
    run = observe(small(), progress=seen.append)
    assert not run.result.interrupted
    assert seen == sorted(set(seen))
    assert seen[-1] == run.result.end_ns == run.result.scenario.duration
    assert run.result.event_rows == observe(small()).result.event_rows


def test_no_garbage_is_searched_for_while_the_records_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of millions of requests, that would take most of the time between an interruption and the end."""
    searched = []

    def noted(*arguments: Any) -> Records:
        searched.append(gc.isenabled())
        return records_of(*arguments)

    monkeypatch.setattr(simulation, "records_of", noted)
    simulation.run(small(duration="1 ms", failures=[]))
    assert searched == [False]
    assert gc.isenabled()
