"""The stopwatch: it takes time and changes nothing else."""

import time

import pytest
from runs_for_tests import record_of
from scenarios_for_tests import small

from vmfailover.audit.expected_memory import ExpectedMemory
from vmfailover.simulation import run
from vmfailover.studies.stopwatch import Stopwatch


def test_times_add_up() -> None:
    watch = Stopwatch()
    wait = watch.timed(time.sleep)
    wait(0.01)
    once = watch.seconds
    wait(0.02)
    assert 0.01 <= once < watch.seconds
    assert watch.seconds - once >= 0.02


def test_an_error_passes_and_its_time_counts() -> None:
    def fail(text: str) -> int:
        time.sleep(0.01)
        raise ValueError(text)

    watch = Stopwatch()
    with pytest.raises(ValueError, match="gone wrong"):
        watch.timed(fail)("gone wrong")
    assert watch.seconds >= 0.01


def test_a_watched_run_is_the_same_run() -> None:
    kernel, audit = Stopwatch(), Stopwatch()
    store = ExpectedMemory.store
    with audit.watching(ExpectedMemory, "store", "compare"):
        watched = run(small(), twin=kernel.kernel())
    assert ExpectedMemory.store is store
    assert record_of(watched) == record_of(run(small()))
    assert kernel.seconds > 0
    assert audit.seconds > 0
    assert kernel.seconds + audit.seconds < float(watched.values["run.wall_seconds"] or 0)
