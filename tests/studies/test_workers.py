"""Tasks on workers that die."""

import os
import signal
from contextlib import nullcontext
from pathlib import Path

import pytest

from vmfailover.studies.executors import InThisProcess, local_processes
from vmfailover.studies.workers import each_once


def fails_at_three(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number * number


def dies_once(task: tuple[str, int]) -> int:
    """Kill the process that runs it, but only the first time that this is asked for."""
    folder, number = task
    marker = Path(folder) / f"{number}"
    if number % 7 == 0 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def always_dies(number: int) -> int:
    if number == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_what_a_task_raises_is_its_result() -> None:
    found = dict(each_once(lambda: nullcontext(InThisProcess()), fails_at_three, [1, 2, 3, 4]))
    assert {task: result for task, result in found.items() if task != 3} == {1: 1, 2: 4, 4: 16}
    assert isinstance(found[3], ValueError)


def test_tasks_whose_worker_dies_are_done_again(tmp_path: Path) -> None:
    tasks = [(str(tmp_path), number) for number in range(20)]
    found = list(each_once(lambda: local_processes(2), dies_once, tasks))
    assert sorted(task[1] for task, _ in found) == list(range(20))
    assert all(task[1] == result for task, result in found)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_task_that_always_kills_its_worker_is_given_up() -> None:
    found = dict(each_once(lambda: local_processes(2), always_dies, [1, 2, 3]))
    assert found.keys() == {1, 2, 3}
    assert isinstance(found[2], BaseException)


def test_an_interruption_ends_it() -> None:
    runs = each_once(lambda: nullcontext(InThisProcess()), fails_at_three, [1, 2])
    next(runs)
    with pytest.raises(KeyboardInterrupt):
        runs.throw(KeyboardInterrupt())  # type: ignore[attr-defined]
