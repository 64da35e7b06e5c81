"""Warm-up: from the takeover until the guest keeps 95 % of its unprotected rate for a millisecond."""

from functools import cache

import pytest
from scenarios_for_tests import small

from vmfailover.results.run_result import RunResult
from vmfailover.results.warm_up import RECOVERED, STEP_NS, WINDOW_NS, Pace, Progress, warm_up
from vmfailover.simulation import run

WIDTH = WINDOW_NS // STEP_NS


@cache
def result(clock: str = "3.5 GHz", checkpoints: str = "1 ms") -> RunResult:
    overrides = {"hosts.secondary.clock": clock, "replication.checkpoint_interval": checkpoints}
    return run(small("no-streaming", **overrides))


def unprotected_rate(found: RunResult) -> float:
    """Return the instructions per nanosecond of the guest on the primary, without all that protection took."""
    (failed,) = (reading for reading in found.readings if reading.event == "failure")
    slowdown = float(found.values["guest.slowdown"] or 0)
    return failed.instructions / (failed.time_ns / (1 + slowdown) - failed.served_ns)


def by_definition(found: RunResult) -> int | None:
    """Return when a window begins that has 95 % of the rate, from the takeover on."""
    samples = [sample.instructions / unprotected_rate(found) + sample.served_ns for sample in found.progress]
    for step in range(len(samples) - WIDTH):
        if samples[step + WIDTH] - samples[step] >= RECOVERED * WINDOW_NS:
            return step * STEP_NS
    return None


@pytest.mark.parametrize("clock", ["2.5 GHz", "3 GHz", "3.5 GHz", "7 GHz"])
def test_the_guest_is_back_when_a_window_has_its_unprotected_rate(clock: str) -> None:
    assert result(clock).values["failover.warmup_ns"] == by_definition(result(clock))


def test_what_protection_costs_before_does_not_make_the_guest_warm_sooner() -> None:
    often = result(checkpoints="150 us")
    assert float(often.values["guest.slowdown"] or 0) > 0.2
    assert often.values["failover.warmup_ns"] == by_definition(often)
    assert unprotected_rate(often) == pytest.approx(unprotected_rate(result()), rel=0.05)


def test_samples_are_taken_from_the_takeover_on_until_the_guest_is_back() -> None:
    found = result()
    takeover = next(event for event in found.event_rows if event.kind == "takeover")
    instants = [sample.time_ns for sample in found.progress]
    assert instants == [takeover.time_ns + STEP_NS * step for step in range(len(instants))]
    assert len(instants) == int(found.values["failover.warmup_ns"] or 0) // STEP_NS + WIDTH + 1


def test_a_faster_host_needs_no_time_and_owes_nothing() -> None:
    values = result("7 GHz").values
    assert (values["failover.warmup_ns"], values["failover.warmup_deficit_ns"]) == (0, 0)
    parts = (values["failover.latency_ns"], values["loss.work_ns"])
    assert values["failover.cost_ns"] == sum(part or 0 for part in parts)


def test_a_slower_host_is_never_back() -> None:
    values = result("1 GHz").values
    names = ("warmup_ns", "warmup_deficit_ns", "cost_ns")
    assert {values[f"failover.{name}"] for name in names} == {None}


def sampled(*steps: int) -> list[Progress]:
    """Return samples of a guest that executes so many instructions in each step."""
    return [Progress(7 + STEP_NS * number, sum(steps[:number]), 0) for number in range(len(steps) + 1)]


def test_the_deficit_is_the_work_of_the_warm_up_that_was_not_done() -> None:
    warm = STEP_NS  # at one instruction a nanosecond
    found = warm_up(sampled(0, warm // 2, *[warm] * WIDTH), Pace(1.0, 1))
    assert found is not None
    assert (found.duration_ns, found.deficit_ns) == (STEP_NS, STEP_NS)


def test_time_spent_on_requests_is_not_missing() -> None:
    busy = [Progress(at * STEP_NS, at * STEP_NS // 4, at * STEP_NS * 3 // 4) for at in range(WIDTH + 1)]
    assert warm_up(busy, Pace(1.0, 1)) is not None
    assert warm_up(busy, Pace(1.0, 2)) is None
    idle = [Progress(sample.time_ns, sample.instructions, 0) for sample in busy]
    assert warm_up(idle, Pace(1.0, 1)) is None


def test_a_window_too_short_by_a_sample_does_not_say() -> None:
    assert warm_up(sampled(*[STEP_NS] * (WIDTH - 1)), Pace(1.0, 1)) is None
    assert warm_up(sampled(*[STEP_NS] * WIDTH), Pace(1.0, 1)) is not None


def test_a_guest_that_executes_nothing_has_no_warm_up() -> None:
    assert warm_up(sampled(*[0] * (2 * WIDTH)), None) is None


def test_without_a_takeover_there_is_nothing_to_measure() -> None:
    found = run(small("no-failure"))
    assert found.progress == ()
    assert found.values["failover.warmup_ns"] is None
