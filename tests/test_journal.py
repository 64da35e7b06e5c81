"""The journal: everything in order of time, told to those who asked."""

import simpy

from vmfailover.journal import Event, Journal


def journal_at(*records: tuple[int, str, int]) -> Journal:
    """Return a journal in which things happened at instants, of a kind, in an epoch."""
    env = simpy.Environment()
    journal = Journal(env)
    for instant, kind, epoch in records:
        if instant > env.now:
            env.run(until=instant)
        journal.record(kind, "primary", epoch=epoch)
    return journal


def test_an_event_has_the_time_at_which_it_was_recorded() -> None:
    env = simpy.Environment()
    journal = Journal(env)
    env.run(until=7)
    journal.record("scan", "primary", epoch=2, duration_ns=5, count=3)
    journal.record("down", "primary")
    assert journal.events == [Event(7, "scan", "primary", 2, 5, 3), Event(7, "down", "primary", -1, 0, 0)]


def test_listeners_are_told_of_their_kind_as_it_happens() -> None:
    journal = journal_at()
    told: list[tuple[str, Event]] = []
    journal.on("commit", lambda event: told.append(("first", event)))
    journal.on("commit", lambda event: told.append(("second", event)))
    journal.record("apply", "secondary", epoch=1)
    journal.record("commit", "secondary", epoch=1)
    commit = journal.events[1]
    assert told == [("first", commit), ("second", commit)]


def test_a_listener_finds_the_event_in_the_journal() -> None:
    journal = journal_at()
    found: list[Event | None] = []
    journal.on("down", lambda _: found.append(journal.first("down")))
    journal.record("down", "primary")
    assert found == journal.events


def test_the_times_of_a_kind_are_those_of_each_epochs_last() -> None:
    journal = journal_at((1, "scan", 0), (2, "scan", 0), (3, "commit", 0), (4, "scan", 1))
    assert journal.times("scan") == {0: 2, 1: 4}
    assert journal.times("apply") == {}


def test_the_first_of_a_kind() -> None:
    journal = journal_at((1, "scan", 0), (2, "scan", 1))
    assert journal.first("scan") == journal.events[0]
    assert journal.first("takeover") is None
