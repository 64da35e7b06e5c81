"""Executors: what is submitted is done, here or in other processes."""

import os
import signal
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import pytest

from vmfailover.engine.interruption import UntilInterrupted
from vmfailover.studies.executors import InThisProcess, LocalProcesses, local_processes


def divide(number: int, by: int) -> tuple[int, int]:
    return number // by, os.getpid()


def test_one_job_needs_no_other_process() -> None:
    with local_processes(1) as executor:
        assert isinstance(executor, InThisProcess)
        future = executor.submit(divide, 7, by=2)
        assert future.done()
        assert future.result() == (3, os.getpid())


def test_an_error_is_the_outcome_of_its_call() -> None:
    with local_processes(1) as executor:
        assert isinstance(executor.submit(divide, 7, 0).exception(), ZeroDivisionError)


def test_several_jobs_run_in_other_processes() -> None:
    with local_processes(2) as executor:
        assert isinstance(executor, LocalProcesses)
        result, process = executor.submit(divide, 9, 2).result()
        assert result == 4
        assert process != os.getpid()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_all_cores_are_used_if_not_said() -> None:
    with local_processes() as executor:
        assert isinstance(executor, LocalProcesses)


def blocked_signals() -> set[int]:
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, []))


def test_processes_leave_interrupts_to_this_one() -> None:
    with local_processes(2) as executor:
        blocked = [executor.submit(blocked_signals) for _ in range(4)]
        assert all(signal.SIGINT in future.result() for future in blocked)
    assert signal.SIGINT not in blocked_signals()


def test_an_interrupt_while_a_process_is_started_acts_once_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    submit = ProcessPoolExecutor.submit

    def interrupted(*call: object) -> object:
        signal.raise_signal(signal.SIGINT)
        submitted.append(submit(*call))  # type: ignore[arg-type]
        return submitted[-1]

    submitted: list[object] = []
    monkeypatch.setattr(ProcessPoolExecutor, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt), LocalProcesses(1) as executor:
        executor.submit(time.sleep, 600)
    assert len(submitted) == 1


def test_processes_can_be_ended_whatever_they_are_at() -> None:
    with LocalProcesses(2) as executor:
        futures = [executor.submit(time.sleep, 600) for _ in range(9)]
        executor.kill()
        assert all(isinstance(future.exception(timeout=60), BrokenProcessPool) for future in futures)
    executor.kill()


def test_an_interruption_does_not_wait_for_what_is_submitted() -> None:
    began = time.monotonic()
    with UntilInterrupted() as ending, local_processes(2) as executor:
        executor.submit(time.sleep, 600)
        signal.raise_signal(signal.SIGINT)
    assert ending.interrupted
    assert time.monotonic() - began < 300
