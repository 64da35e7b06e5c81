"""Runs a scenario as a command does: with a progress bar if it takes long, and word of what is compiled."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from vmfailover.engine.compilation import is_kept
from vmfailover.engine.compile_time import told_of_compiling
from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario
from vmfailover.simulation import run

#: A run that takes longer gets a progress bar, seconds.
PATIENCE = 2.0


def followed(scenario: Scenario) -> RunResult:
    """Run a scenario, with a progress bar on a terminal."""
    with _bar(scenario.name, scenario.duration) as progress:
        return run(scenario, progress=lambda time_ns: progress.update(progress.task_ids[0], completed=time_ns))


@contextmanager
def counted_bar(description: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar of how many runs of how many are done, by calling what this yields."""
    with _bar(description, None) as progress:
        yield lambda done, of: progress.update(progress.task_ids[0], completed=done, total=of)


@contextmanager
def growing_count(of: str) -> Iterator[Callable[[int], None]]:
    """Show how many there are so far, where nobody knows how many there will be, by calling what this yields."""
    with _bar(of, None) as progress:
        yield lambda number: progress.update(progress.task_ids[0], description=f"{number:,} {of}")


def _compiling() -> str:
    """Say why nothing seems to happen."""
    return f"compiling for this machine; {'later runs need not' if is_kept() else 'no folder is there to keep it'}"


@contextmanager
def _bar(description: str, total: int | None) -> Iterator[Progress]:
    """A bar on stderr that appears when a command has taken a while, and only on a terminal."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    progress.add_task(description, total=total)
    patience = Timer(PATIENCE, progress.start)
    patience.daemon = True
    patience.start()
    try:
        with told_of_compiling(lambda: console.print(_compiling(), highlight=False)):
            yield progress
    finally:
        patience.cancel()
        patience.join()
        progress.stop()
