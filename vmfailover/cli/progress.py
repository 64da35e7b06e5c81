"""Runs a scenario as a command does: with a progress bar if it takes long, and stopping cleanly when interrupted."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario
from vmfailover.simulation import run

#: A run that takes longer gets a progress bar, seconds.
PATIENCE = 2.0


def followed(scenario: Scenario) -> RunResult:
    """Run a scenario, with a progress bar on a terminal; the first Ctrl-C ends it between two steps."""
    with _bar(scenario) as progress, _Interrupt() as interrupt:

        def step(time_ns: int) -> None:
            progress.update(progress.task_ids[0], completed=time_ns)
            interrupt.check()

        return run(scenario, progress=step)


@contextmanager
def _bar(scenario: Scenario) -> Iterator[Progress]:
    """A bar on stderr that appears when a run has taken a while, and only on a terminal."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    progress.add_task(scenario.name, total=scenario.duration)
    patience = Timer(PATIENCE, progress.start)
    patience.daemon = True
    patience.start()
    try:
        yield progress
    finally:
        patience.cancel()
        patience.join()
        progress.stop()


class _Interrupt:
    """Notes the first Ctrl-C, so that the simulation stops where its state is whole; the second ends the process.

    Nothing is raised from the handler: compiled code cannot pass it on.
    """

    def __init__(self) -> None:
        self._noted = False

    def __enter__(self) -> "_Interrupt":
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def check(self) -> None:
        """Raise KeyboardInterrupt if there was a Ctrl-C."""
        if self._noted:
            raise KeyboardInterrupt

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._noted = True
        signal.signal(number, signal.SIG_DFL)
