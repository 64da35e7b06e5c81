"""The instants around events: each event has one before and one after it, or one equivalent to that."""

import pytest
from scenarios_for_tests import minute, small

from vmfailover.studies.instants import Trace

TRACE = Trace(minute("no-failure"))


def state(trace: Trace, instant: int) -> int:
    """Return how many of the trace's instants have passed."""
    return sum(at <= instant for at in trace._instants)


def test_every_event_is_surrounded() -> None:
    kept = TRACE.around_events(1, 500_000)
    states = {state(TRACE, instant) for instant in kept}
    times = {event.time_ns for event in TRACE.events if 1 <= event.time_ns <= 500_000}
    assert times
    around = {state(TRACE, max(1, time + side)) for time in times for side in (-1, 1)}
    assert around | {state(TRACE, 1)} == states


def test_no_two_instants_are_equivalent() -> None:
    kept = TRACE.around_events(1, 500_000)
    assert kept == sorted(kept)
    assert len({state(TRACE, instant) for instant in kept}) == len(kept)


def test_the_execution_of_the_guest_is_no_event() -> None:
    """A guest that executes ten times as much has the same instants, if nothing else depends on it."""
    quiet: dict[str, object] = {"replication.protocol": "cold-restart", "clients": None, "failures": []}
    slow, fast = (Trace(small("base", **quiet, **{"workload.instructions_per_access": pace})) for pace in (300.0, 30.0))
    assert slow._instants == fast._instants


@pytest.mark.parametrize(("instant", "phase"), [(0, "epoch"), (10**9, "acknowledge")])
def test_a_phase_is_what_happened_last(instant: int, phase: str) -> None:
    last = [event.kind for event in TRACE.events if event.time_ns <= instant][-1]
    assert TRACE.phase(instant) == last
    assert phase in {event.kind for event in TRACE.events}
