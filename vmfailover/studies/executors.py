"""Where the runs of a study are executed: anything with the interface of `concurrent.futures`."""

import asyncio
import os
import re
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from vmfailover.engine.interruption import Interruption, interrupt
from vmfailover.errors import ParameterError
from vmfailover.files.text import one_line
from vmfailover.scenario import Scenario
from vmfailover.scenario.kinds import Kinds
from vmfailover.studies.fresh_processes import FreshProcesses, begin

ResultT = TypeVar("ResultT")
#: The address of a scheduler.
_ADDRESS = re.compile(r"tcp://([\w.-]+|\[[0-9a-fA-F:.]+\]):\d{1,5}", re.ASCII)
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


class LocalProcesses(Executor):
    """New processes of this machine, which leave Ctrl-C to this one, and end with it.

    They are started afresh, not copied from this one, so that nothing that happens here has an influence; they know
    the kinds that have been added here by now. When one dies, what the others were at is lost with it, as in
    `ProcessPoolExecutor`, but what is submitted later is done by new ones.
    """

    def __init__(self, jobs: int) -> None:
        """Start up to so many processes, as they are needed."""
        self._jobs = jobs
        self._killed = False
        self._pool = self._new_pool()

    def submit(self, call: Callable[..., ResultT], /, *args: Any, **options: Any) -> Future[ResultT]:
        """Have a call executed; Ctrl-C meanwhile acts as soon as no process is half started."""
        with Interruption() as interruption, _children_without_interrupts():
            future = self._submit(call, *args, **options)
        if interruption.noted:
            interrupt()
        return future

    def kill(self) -> None:
        """End the processes, whatever they are at; nothing that was submitted comes to its end any more."""
        self._killed = True
        for process in list((self._pool._processes or {}).values()):
            process.terminate()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the processes end once they have done what was submitted."""
        self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        """Wait for the processes to end; do not let them finish if this is left by an interruption."""
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            self.kill()
        return super().__exit__(kind, error, trace)

    def _new_pool(self) -> ProcessPoolExecutor:
        added = {group: dict(kinds.added) for group, kinds in Kinds.groups.items()}
        return ProcessPoolExecutor(self._jobs, FreshProcesses(), begin, (added,))

    def _submit(self, call: Callable[..., ResultT], *args: Any, **options: Any) -> Future[ResultT]:
        try:
            return self._pool.submit(call, *args, **options)
        except BrokenExecutor:
            if self._killed:
                raise
            self._pool.shutdown()
            self._pool = self._new_pool()
            return self._pool.submit(call, *args, **options)


def local_processes(jobs: int | None = None) -> Executor:
    """Return an executor of so many processes of this machine, as many as it has cores if not said.

    An interrupted study ends the processes, and the executor with them.
    """
    jobs = jobs or len(os.sched_getaffinity(0))
    return InThisProcess() if jobs == 1 else LocalProcesses(jobs)


@contextmanager
def _children_without_interrupts() -> Iterator[None]:
    """Let the processes that this thread starts never see SIGINT, which a terminal sends to all of a group."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def dask_workers(address: str, scenario: Scenario) -> Iterator[Executor]:
    """Connect to a Dask scheduler for as long as the context lasts, and return an executor of its workers.

    A task whose worker dies is given to another one. A recorded workload is read by every worker from where the
    scenario has it. Raises InputError if there is no scheduler, no `distributed` package, or no such file on a worker.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ParameterError("address", "needs the package distributed; pip install 'vmfailover[cluster]'") from None
    if not _ADDRESS.fullmatch(address):
        raise ParameterError("address", "is not the address of a scheduler; write tcp://HOST:PORT", given=address)
    if (reason := _no_scheduler(address)) is not None:
        raise ParameterError(
            "address", f"no scheduler answers there ({reason}); start one with: dask scheduler", given=address
        )
    with Client(address, timeout=PATIENCE, set_as_default=False) as client:
        _require_trace(client.run(_is_file, scenario.trace_path), scenario)
        yield client.get_executor(pure=False)


def _no_scheduler(address: str) -> str | None:
    """Return why there is no scheduler at an address, None if there is one.

    A client that is left by an error while it is made has a traceback of its own at the end of the process.
    """
    from distributed import rpc

    async def identity() -> Any:
        async with rpc(address) as there:
            return await asyncio.wait_for(there.identity(), PATIENCE)

    try:
        found = asyncio.run(identity())
    except Exception as error:
        return one_line(str(error)) or f"not within {PATIENCE} s"
    return None if found.get("type") == "Scheduler" else f"it is a {found.get('type')}"


def _is_file(path: str | None) -> bool:
    return path is None or Path(path).is_file()


def _require_trace(found: Mapping[str, bool], scenario: Scenario) -> None:
    for worker, there in found.items():
        if not there:
            raise ParameterError(
                "address",
                f"worker {worker} has no file {scenario.trace_path}; put the trace on a folder that all share",
            )
