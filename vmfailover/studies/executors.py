"""Where the runs of a study are executed: anything with the interface of `concurrent.futures`."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from vmfailover.errors import InputError
from vmfailover.scenario import Scenario

ResultT = TypeVar("ResultT")
#: Seconds to wait for a scheduler.
PATIENCE = 10


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


@contextmanager
def dask_workers(address: str, scenario: Scenario) -> Iterator[Executor]:
    """Connect to a Dask scheduler for as long as the context lasts, and return an executor of its workers.

    A task whose worker dies is given to another one. A recorded workload is read by every worker from where the
    scenario has it. Raises InputError if there is no scheduler, no `distributed` package, or no such file on a worker.
    """
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--dask: needs the package distributed; pip install 'vmfailover[cluster]'") from None
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        reason = f"no scheduler answers there ({error}); start one with: dask scheduler"
        raise InputError(f"--dask {address}: {reason}") from None
    with client:
        _require_trace(client.run(_is_file, scenario.trace_path), scenario)
        yield client.get_executor(pure=False)


def _is_file(path: str | None) -> bool:
    return path is None or Path(path).is_file()


def _require_trace(found: Mapping[str, bool], scenario: Scenario) -> None:
    for worker, there in found.items():
        if not there:
            raise InputError(
                f"--dask: worker {worker} has no file {scenario.trace_path}; put the trace on a folder that all share"
            )
