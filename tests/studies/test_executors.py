"""Executors: what is submitted is done, here or in other processes."""

import os
from concurrent.futures import ProcessPoolExecutor

import pytest

from vmfailover.studies.executors import InThisProcess, local_processes


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
        assert isinstance(executor, ProcessPoolExecutor)
        result, process = executor.submit(divide, 9, 2).result()
        assert result == 4
        assert process != os.getpid()


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_all_cores_are_used_if_not_said() -> None:
    with local_processes() as executor:
        assert isinstance(executor, ProcessPoolExecutor)
