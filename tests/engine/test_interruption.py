"""The first Ctrl-C is noted, the second acts as usual."""

import signal
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from scenarios_for_tests import small

from vmfailover import run
from vmfailover.engine.interruption import Interruption, Terminations, UntilInterrupted


def test_the_first_is_noted_and_the_second_raises() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption() as interruption:
        assert not interruption.noted
        signal.raise_signal(signal.SIGINT)
        assert interruption.noted
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_what_was_there_before_comes_back_after_a_signal_too() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interruption():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("ctrl_c", [signal.default_int_handler, signal.SIG_IGN])
def test_sigterm_acts_as_ctrl_c_does_at_that_moment(ctrl_c: Any) -> None:
    before = signal.signal(signal.SIGINT, ctrl_c)
    try:
        with Terminations() as terminations:
            with Interruption() as interruption:
                signal.raise_signal(signal.SIGTERM)
                assert interruption.noted
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGTERM)
        assert terminations.noted
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_run_stops_where_its_state_is_whole() -> None:
    def interrupt(time_ns: int) -> None:
        if time_ns > 3_000_000:
            signal.raise_signal(signal.SIGINT)

    result = run(small(), progress=interrupt)
    assert result.interrupted
    assert result.consistent
    assert 3_000_000 < result.end_ns < small().duration


def test_other_threads_run_too() -> None:
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run, small()).result().consistent


def test_an_interruption_ends_a_context_without_an_error() -> None:
    with UntilInterrupted() as ending:
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("goes on")
    assert ending.interrupted
    with UntilInterrupted() as ending:
        pass
    assert not ending.interrupted


def test_an_error_is_no_interruption() -> None:
    with pytest.raises(ZeroDivisionError), UntilInterrupted() as ending:
        raise ZeroDivisionError
    assert not ending.interrupted
