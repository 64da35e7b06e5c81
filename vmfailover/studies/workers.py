"""Tasks of a study on workers: in whatever order they end, until the user interrupts, though workers may die."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, as_completed
from contextlib import AbstractContextManager, closing
from typing import TypeVar

from vmfailover.studies.executors import LocalProcesses

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")
#: Returns an executor for as long as its context lasts.
NewExecutor = Callable[[], AbstractContextManager[Executor]]
#: Executors that may die one after the other without one task having come to its end.
PATIENCE = 3


def as_they_end(
    executor: Executor, call: Callable[[TaskT], ResultT], tasks: Mapping[int, TaskT]
) -> Generator[tuple[int, ResultT | BaseException], None, None]:
    """Call with each task, and yield its number with the result, or with what was raised, as they come to their end.

    An interruption, here or of a call, is raised. After it, or when this is closed before its end, tasks that have not
    begun are not, and `LocalProcesses` are ended whatever they are at.
    """
    waiting: dict[Future[ResultT], int] = {}
    try:
        for number, task in tasks.items():
            future = _submitted(executor, call, task)
            waiting[future] = number
            if future.done():
                result = _result(future)
                yield waiting.pop(future), result
        for future in as_completed(waiting):
            result = _result(future)
            yield waiting[future], result
    except BaseException:
        _give_up(executor, waiting)
        raise


def all_of(executor: Executor, call: Callable[[TaskT], ResultT], tasks: Sequence[TaskT]) -> list[ResultT]:
    """Call with each task, and return the results in order; raise what a call raises."""
    results: dict[int, ResultT] = {}
    with closing(as_they_end(executor, call, dict(enumerate(tasks)))) as ended:
        for number, result in ended:
            if isinstance(result, BaseException):
                raise result
            results[number] = result
    return [results[number] for number in range(len(tasks))]


def each_once(
    new_executor: NewExecutor, call: Callable[[TaskT], ResultT], tasks: Sequence[TaskT]
) -> Generator[tuple[TaskT, ResultT | BaseException], None, None]:
    """Call with each task, and yield it with the result, or with what was raised, as they come to their end.

    When a worker dies, and with it the executor, the tasks that have no result are given to a new one. If nothing comes
    to its end any more, the tasks that are left are yielded with the error. Interruptions are as in `as_they_end`.
    """
    left = dict(enumerate(tasks))
    fruitless = 0
    while left:
        before = len(left)
        with new_executor() as executor, closing(as_they_end(executor, call, dict(left))) as ended:
            for number, result in ended:
                if not isinstance(result, BrokenExecutor) or fruitless == PATIENCE:
                    yield left.pop(number), result
        fruitless = fruitless + 1 if len(left) == before else 0


def _submitted(executor: Executor, call: Callable[[TaskT], ResultT], task: TaskT) -> Future[ResultT]:
    """Return the future of a task; one that has failed if the executor is dead."""
    try:
        return executor.submit(call, task)
    except BrokenExecutor as error:
        failed: Future[ResultT] = Future()
        failed.set_exception(error)
        return failed


def _result(future: Future[ResultT]) -> ResultT | BaseException:
    error = future.exception()
    if isinstance(error, KeyboardInterrupt):
        raise error
    return future.result() if error is None else error


def _give_up(executor: Executor, futures: Iterable[Future[ResultT]]) -> None:
    """Let nothing begin any more; in `LocalProcesses`, not even go on."""
    if isinstance(executor, LocalProcesses):
        executor.kill()
        return
    for future in futures:
        future.cancel()
