"""An epoch's own sums."""

from vmfailover.replication.epoch import Epoch


def test_the_pause_is_from_stop_to_resume() -> None:
    assert Epoch(0, 0, paused_ns=70, resumed_ns=95).pause_ns == 25


def test_a_pause_that_has_not_ended_has_no_length() -> None:
    assert Epoch(0, 0).pause_ns is None
    assert Epoch(0, 0, paused_ns=0).pause_ns is None
