"""Runs of a study on workers that may die: what was under way is done again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from contextlib import AbstractContextManager
from typing import TypeVar

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")
#: Returns an executor for as long as its context lasts.
NewExecutor = Callable[[], AbstractContextManager[Executor]]
#: Executors that may die one after the other without one task having come to its end.
PATIENCE = 3


def each_once(
    new_executor: NewExecutor, call: Callable[[TaskT], ResultT], tasks: Sequence[TaskT]
) -> Iterator[tuple[TaskT, ResultT | BaseException]]:
    """Call with each task, and yield it with the result, or with what was raised, as they come to their end.

    When a worker dies, and with it the executor, the tasks that have no result are given to a new one. If nothing comes
    to its end any more, the tasks that are left are yielded with the error.
    """
    left = dict(enumerate(tasks))
    fruitless = 0
    while left:
        before = len(left)
        for number, result in _until_broken(new_executor, call, left):
            if not isinstance(result, BrokenExecutor) or fruitless == PATIENCE:
                yield left.pop(number), result
        fruitless = fruitless + 1 if len(left) == before else 0


def _until_broken(
    new_executor: NewExecutor, call: Callable[[TaskT], ResultT], tasks: Mapping[int, TaskT]
) -> Iterator[tuple[int, ResultT | BaseException]]:
    """Yield the number of each task with its result; with a BrokenExecutor if a worker has died before."""
    with new_executor() as executor:
        numbers: dict[Future[ResultT], int] = {}
        try:
            numbers = {executor.submit(call, task): number for number, task in tasks.items()}
            for future in as_completed(numbers):
                error = future.exception()
                yield numbers[future], future.result() if error is None else error
        except BrokenExecutor:
            yield from ((number, BrokenExecutor("a worker died")) for number in list(tasks))
        except BaseException:
            for future in numbers:
                future.cancel()
            raise
