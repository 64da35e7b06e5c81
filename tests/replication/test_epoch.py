"""An epoch's own sums."""

from vmfailover.replication.epoch import Epoch

from .machinery import numbers


def test_entries_are_counted_over_all_reads_with_repetitions() -> None:
    epoch = Epoch(0, 0)
    assert epoch.entries == 0
    epoch.logged += [numbers(1, 1, 2), numbers(), numbers(1)]
    assert epoch.entries == 4


def test_the_pause_is_from_stop_to_resume() -> None:
    assert Epoch(0, 0, paused_ns=70, resumed_ns=95).pause_ns == 25
