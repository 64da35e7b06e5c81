"""The event log: everything in order of time, told to those who asked."""

import simpy

from vmfailover.engine.event_log import EventLog
from vmfailover.records.events import Event, Kind


def journal_at(*records: tuple[int, str, int]) -> EventLog:
    """Return an event log in which things happened at instants, of a kind, in an epoch."""
    env = simpy.Environment()
    event_log = EventLog(env)
    for instant, kind, epoch in records:
        if instant > env.now:
            env.run(until=instant)
        event_log.record(Kind(kind), "primary", epoch=epoch)
    return event_log


def test_an_event_has_the_time_at_which_it_was_recorded() -> None:
    env = simpy.Environment()
    event_log = EventLog(env)
    env.run(until=7)
    event_log.record(Kind.SCAN, "primary", epoch=2, duration_ns=5, count=3)
    event_log.record(Kind.DOWN, "primary")
    assert event_log.events == [Event(7, Kind.SCAN, "primary", 2, 5, 3), Event(7, Kind.DOWN, "primary", -1, 0, 0)]


def test_listeners_are_told_of_their_kind_as_it_happens() -> None:
    event_log = journal_at()
    told: list[tuple[str, Event]] = []
    event_log.on(Kind.COMMIT, lambda event: told.append(("first", event)))
    event_log.on(Kind.COMMIT, lambda event: told.append(("second", event)))
    event_log.record(Kind.APPLY, "secondary", epoch=1)
    event_log.record(Kind.COMMIT, "secondary", epoch=1)
    commit = event_log.events[1]
    assert told == [("first", commit), ("second", commit)]


def test_a_listener_finds_the_event_in_the_journal() -> None:
    event_log = journal_at()
    found: list[Event | None] = []
    event_log.on(Kind.DOWN, lambda _: found.append(event_log.first(Kind.DOWN)))
    event_log.record(Kind.DOWN, "primary")
    assert found == event_log.events


def test_the_times_of_a_kind_are_those_of_each_epochs_last() -> None:
    event_log = journal_at((1, "scan", 0), (2, "scan", 0), (3, "commit", 0), (4, "scan", 1))
    assert event_log.times(Kind.SCAN) == {0: 2, 1: 4}
    assert event_log.times(Kind.APPLY) == {}


def test_the_first_of_a_kind() -> None:
    event_log = journal_at((1, "scan", 0), (2, "scan", 1))
    assert event_log.first(Kind.SCAN) == event_log.events[0]
    assert event_log.first(Kind.TAKEOVER) is None
