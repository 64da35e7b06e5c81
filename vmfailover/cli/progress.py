"""Runs a scenario as a command does: what it takes, a progress bar if that is long, and word of what is compiled."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread, Timer
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from vmfailover.engine.compilation import is_kept
from vmfailover.engine.compile_time import compile_time, told_of_compiling
from vmfailover.results.quantities import short_count
from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario
from vmfailover.simulation import Simulation
from vmfailover.studies.time_estimate import Beginning, TimeEstimate, estimated

#: A run that takes longer gets a progress bar, seconds.
PATIENCE = 2.0
#: Where there is no terminal, a line tells of the progress so often, seconds.
EVERY = 30.0
#: What takes longer is told as soon as it is known, seconds.
LONG = 10.0
#: It is known after so much of a run, seconds.
LOOK = 1.0
#: Scenarios of a study that are looked at, at most: a shorter look tells of little but how a run begins.
LOOKED_AT = 5
#: Runs that simulate less than this, all together, are not looked at before they begin, nanoseconds.
SHORT_NS = 2_000_000_000
_UNITS = ((3600.0, "h"), (60.0, "min"))


def followed(scenario: Scenario) -> RunResult:
    """Run a scenario, with a progress bar on a terminal; say after its first moments what it takes, if that is long."""
    with _bar(scenario.name, scenario.duration) as progress, compile_time() as compiling:
        simulation = Simulation(scenario)
        beginning: Beginning | None = Beginning(simulation, compiling)

        def tell(time_ns: int) -> None:
            nonlocal beginning
            progress.update(progress.task_ids[0], completed=time_ns)
            if beginning is not None and beginning.note() >= LOOK:
                _tell(progress.console, scenario.name, beginning.estimate())
                beginning = None

        simulation.run(progress=tell)
        return simulation.result()


def foretell(scenarios: Sequence[Scenario], replications: int, jobs: int | None) -> None:
    """Say what a study takes that runs each scenario so many times in `jobs` processes, if that is long.

    The beginnings of a few are run for that; None are as many processes as there are cores.
    """
    runs = replications * len(scenarios)
    if replications * sum(scenario.duration for scenario in scenarios) < SHORT_NS:
        return
    console = Console(stderr=True)
    with told_of_compiling(lambda: console.print(_compiling(), highlight=False)):
        few = scenarios[:: -(-len(scenarios) // LOOKED_AT)]
        found = [each for each in (estimated(scenario, LOOK / len(few)) for scenario in few) if each]
    if found:
        at_once = min(jobs or len(os.sched_getaffinity(0)), runs)
        seconds = sum(each.seconds for each in found) / len(found) * runs / at_once
        speed = sum(each.accesses_per_second for each in found) / len(found)
        _tell(console, f"{runs} runs, {at_once} at once", TimeEstimate(seconds, speed))


def _tell(console: Console, what: str, estimate: TimeEstimate) -> None:
    if estimate.seconds >= LONG:
        speed = short_count(estimate.accesses_per_second)
        console.print(f"{what}: about {_rounded(estimate.seconds)} at {speed} accesses/s", highlight=False)


def _rounded(seconds: float) -> str:
    """Return a time as one says it."""
    unit, name = next((pair for pair in _UNITS if seconds >= 2 * pair[0]), (1.0, "s"))
    return f"{seconds / unit:.0f} {name}"


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
    """A bar on stderr that appears when a command has taken a while; without a terminal, a line now and then."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    progress.add_task(description, total=total)
    patience = Timer(PATIENCE, progress.start)
    patience.daemon = True
    patience.start()
    try:
        with _lines(progress), told_of_compiling(lambda: console.print(_compiling(), highlight=False)):
            yield progress
    finally:
        patience.cancel()
        patience.join()
        progress.stop()


@contextmanager
def _lines(progress: Progress) -> Iterator[None]:
    """Print how far it is every while, unless a bar shows it."""
    if not progress.disable:
        yield
        return
    ended = Event()
    writer = Thread(target=_write_lines, args=(progress, ended), daemon=True)
    writer.start()
    try:
        yield
    finally:
        ended.set()
        writer.join()


def _write_lines(progress: Progress, ended: Event) -> None:
    began = perf_counter()
    while not ended.wait(EVERY):
        task = progress.tasks[0]
        done = task.completed / task.total if task.total else 0.0
        took = perf_counter() - began
        left = f", about {_rounded(took * (1 - done) / done)} to go" if done else ""
        progress.console.print(
            f"{task.description}: {100 * done:.0f} % done after {_rounded(took)}{left}", highlight=False
        )
