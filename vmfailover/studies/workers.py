"""Tasks of a study on workers: in whatever order they end, until the user interrupts, though workers may die."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import closing
from queue import SimpleQueue
from typing import Any, TypeVar

from vmfailover.engine.interruption import Interruption, interrupt
from vmfailover.studies.executors import LocalProcesses

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")
#: How often a task that is alone may kill its worker before it is given up.
PATIENCE = 3
#: Yields numbers of tasks with their results, or with what was raised.
Ended = Generator[tuple[int, ResultT | BaseException], None, None]


def as_they_end(executor: Executor, call: Callable[[TaskT], ResultT], tasks: Mapping[int, TaskT]) -> Ended[ResultT]:
    """Call with each task, and yield its number with the result, or with what was raised, as they come to their end.

    When a worker dies, what was lost with it is done again; a task that kills its worker again and again is yielded
    with the error, and only it. An interruption, here or of a call, is raised. After it, or when this is closed before
    its end, tasks that have not begun are not, and `LocalProcesses` are ended whatever they are at.
    """
    left = dict(tasks)
    while left:
        before = len(left)
        with closing(_once(executor, call, dict(left))) as ended:
            for number, result in ended:
                if not isinstance(result, BrokenExecutor):
                    del left[number]
                    yield number, result
        if len(left) == before:
            yield from _until_one_is_given_up(executor, call, left)


def all_of(executor: Executor, call: Callable[[TaskT], ResultT], tasks: Sequence[TaskT]) -> list[ResultT]:
    """Call with each task, and return the results in order; raise what a call raises."""
    results: dict[int, ResultT] = {}
    with closing(as_they_end(executor, call, dict(enumerate(tasks)))) as ended:
        for number, result in ended:
            if isinstance(result, BaseException):
                raise result
            results[number] = result
    return [results[number] for number in range(len(tasks))]


def _until_one_is_given_up(
    executor: Executor, call: Callable[[TaskT], ResultT], left: dict[int, TaskT]
) -> Ended[ResultT]:
    """Do tasks one at a time, removing them from those left, until one of them has proved to kill its worker."""
    for number, task in list(left.items()):
        result = _alone(executor, call, task)
        del left[number]
        yield number, result
        if isinstance(result, BrokenExecutor):
            return


def _alone(executor: Executor, call: Callable[[TaskT], ResultT], task: TaskT) -> ResultT | BaseException:
    """Do one task while there is no other."""
    for _ in range(PATIENCE):
        with closing(_once(executor, call, {0: task})) as ended:
            ((_, result),) = ended
        if not isinstance(result, BrokenExecutor):
            break
    return result


def _once(executor: Executor, call: Callable[[TaskT], ResultT], tasks: Mapping[int, TaskT]) -> Ended[ResultT]:
    """Submit each task, and yield what comes of it; of those that are lost with a worker, a BrokenExecutor."""
    waiting: dict[Future[ResultT], int] = {}
    ended: SimpleQueue[Future[ResultT]] = SimpleQueue()
    try:
        for number, task in tasks.items():
            future = _submitted(executor, call, task)
            waiting[future] = number
            _await(future, ended)
            while not ended.empty():
                yield _next(waiting, ended)
        while waiting:
            yield _next(waiting, ended)
    except BaseException:
        _give_up(executor, waiting)
        raise


def _await(future: Future[ResultT], ended: SimpleQueue[Future[ResultT]]) -> None:
    """Have a future put into a queue when it has ended.

    Ctrl-C acts after that: in the midst of it, it would leave the future's lock taken, for which its executor waits.
    For the same reason, it is the queue that is waited for, and no future.
    """
    with Interruption() as interruption:
        future.add_done_callback(ended.put)
    if interruption.noted:
        interrupt()


def _next(waiting: dict[Future[Any], int], ended: SimpleQueue[Future[Any]]) -> tuple[int, Any]:
    """Wait for one of the futures to end; return its number with what came of it."""
    future = ended.get()
    result = _result(future)
    return waiting.pop(future), result


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
