"""Tasks on workers that die."""

import os
import signal
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from vmfailover.studies.executors import InThisProcess, LocalProcesses, local_processes
from vmfailover.studies.workers import PATIENCE, all_of, as_they_end


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


def numbered(*tasks: int) -> dict[int, int]:
    return {task: task for task in tasks}


def test_what_a_task_raises_is_its_result() -> None:
    found = dict(as_they_end(InThisProcess(), fails_at_three, numbered(1, 2, 3, 4)))
    assert {task: result for task, result in found.items() if task != 3} == {1: 1, 2: 4, 4: 16}
    assert isinstance(found[3], ValueError)


@pytest.mark.slow
def test_tasks_whose_worker_dies_are_done_again(tmp_path: Path) -> None:
    tasks = {number: (str(tmp_path), number) for number in range(20)}
    with local_processes(2) as pool:
        found = dict(as_they_end(pool, dies_once, tasks))
        assert found == {number: number for number in range(20)}
        assert len(list(tmp_path.iterdir())) == 3
        assert pool.submit(int, 7).result() == 7


@pytest.mark.slow
def test_a_task_that_always_kills_its_worker_is_given_up_and_no_other() -> None:
    with local_processes(2) as pool:
        found = dict(as_they_end(pool, always_dies, numbered(2, *range(3, 20))))
    assert {task: result for task, result in found.items() if task != 2} == numbered(*range(3, 20))
    assert isinstance(found[2], BrokenExecutor)


class Dead(Executor):
    """An executor of somebody else, whose workers have died."""

    submitted = 0

    def submit(self, *_: object, **__: object) -> Future[Any]:
        self.submitted += 1
        raise BrokenExecutor("dead")


def test_nothing_comes_of_tasks_that_are_given_to_the_dead() -> None:
    dead = Dead()
    found = dict(as_they_end(dead, int, numbered(1, 2)))
    assert all(isinstance(result, BrokenExecutor) for result in found.values())
    assert dead.submitted == (2 + PATIENCE) + (1 + PATIENCE)


def test_an_interruption_ends_it() -> None:
    runs = as_they_end(InThisProcess(), fails_at_three, numbered(1, 2))
    next(runs)
    with pytest.raises(KeyboardInterrupt):
        runs.throw(KeyboardInterrupt())


def interrupted_at_three(number: int) -> int:
    if number == 3:
        raise KeyboardInterrupt
    return number


def test_one_process_yields_each_as_soon_as_it_is_done() -> None:
    called: list[int] = []
    for number, _ in as_they_end(InThisProcess(), called.append, {each: each for each in range(5)}):
        assert called == list(range(number + 1))


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interruption_of_a_call_is_raised(jobs: int) -> None:
    with local_processes(jobs) as pool, pytest.raises(KeyboardInterrupt):
        list(as_they_end(pool, interrupted_at_three, dict(enumerate(range(5)))))


def test_what_has_not_begun_does_not_begin_when_it_is_closed() -> None:
    called: list[int] = []

    def note(number: int) -> None:
        called.append(number)
        time.sleep(0.01)

    with ThreadPoolExecutor(1) as pool:
        with closing(as_they_end(pool, note, dict(enumerate(range(1000))))) as ended:
            next(ended)
        assert pool.submit(int).result() == 0
    assert len(called) < 1000


def test_processes_are_ended_when_it_is_closed() -> None:
    began = time.monotonic()
    with LocalProcesses(2) as pool, closing(as_they_end(pool, time.sleep, {0: 0, 1: 600, 2: 600, 3: 600})) as ended:
        assert next(ended) == (0, None)
    assert time.monotonic() - began < 300


def test_all_results_in_order() -> None:
    assert all_of(InThisProcess(), fails_at_three, [2, 1, 4]) == [4, 1, 16]
    with pytest.raises(ValueError, match="three"):
        all_of(InThisProcess(), fails_at_three, [1, 3])
