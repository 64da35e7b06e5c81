"""Where the runs of a study are executed: anything with the interface of `concurrent.futures`."""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any, TypeVar

ResultT = TypeVar("ResultT")


class InThisProcess(Executor):
    """Executes a call at once, where it is submitted."""

    def submit(self, call: Callable[..., ResultT], /, *args: Any, **options: Any) -> Future[ResultT]:
        """Return what the call returns, or raises, as a future that is done."""
        future: Future[ResultT] = Future()
        try:
            future.set_result(call(*args, **options))
        except Exception as error:
            future.set_exception(error)
        return future


def local_processes(jobs: int | None = None) -> Executor:
    """Return an executor of so many new processes of this machine, as many as it has cores if not said.

    The processes are started afresh, not copied from this one, so that nothing that happens here has an influence.
    """
    jobs = jobs or len(os.sched_getaffinity(0))
    return InThisProcess() if jobs == 1 else ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"))
