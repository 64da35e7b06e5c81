"""The runs of a study: what each is of, and what came of it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from vmfailover.engine.interruption import UntilInterrupted
from vmfailover.engine.streams import generator
from vmfailover.records.metric_names import METRICS
from vmfailover.records.metric_values import Metrics, Value
from vmfailover.results.metrics import WALL_CLOCK
from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario
from vmfailover.simulation import run
from vmfailover.studies.progress import Progress, unseen
from vmfailover.studies.workers import as_they_end

#: Metrics that studies keep: those that tell of the simulated machine.
MEASURED = tuple(name for name in METRICS if name not in WALL_CLOCK)
#: What tables say of a run beside its values.
ABOUT = ("replication", "seed", "error")


@dataclass(frozen=True, slots=True)
class Task:
    """A run to be made."""

    #: What it belongs to, as the column of a comparison.
    label: str
    scenario: Scenario
    replication: int


@dataclass(frozen=True, slots=True)
class StudyRun:
    """A run that has been made."""

    label: str
    replication: int
    seed: int
    values: Metrics
    #: Every invariant that is broken, with its detail.
    broken: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    #: Why there are no values; empty if there are.
    error: str = ""

    @property
    def sound(self) -> bool:
        """Whether it came to its end with every invariant holding."""
        return not self.broken and not self.error

    def about(self) -> dict[str, Any]:
        """Return what tables say of it beside its values, by the names in `ABOUT`."""
        return {name: getattr(self, name) for name in ABOUT}


def replica(scenario: Scenario, replication: int) -> Scenario:
    """Return the n-th replication of a scenario; number 0 is the scenario itself.

    The seed is n higher, and all failures at a given time that are not `fixed` come later by one random time, at most a
    checkpoint interval or, if longer, a heartbeat's: the same for all scenarios with the same seed and the same two
    intervals.
    """
    if replication == 0:
        return scenario
    longest_ns = max(scenario.replication.checkpoint_interval, scenario.detection.interval)
    later_ns = int(generator(scenario.seed, f"comparison.failure.{replication}").integers(longest_ns))
    changes: dict[str, object] = {"seed": scenario.seed + replication}
    for index, failure in enumerate(scenario.failures):
        if failure.at is not None and not failure.fixed:
            changes[f"failures.{index}.at"] = f"{(failure.at + later_ns) % scenario.duration} ns"
    return scenario.with_(**changes)


def whole(scenario: Scenario) -> RunResult:
    """Run a scenario to its end, and tell nobody of its progress; raise KeyboardInterrupt if the user interrupts it."""
    result = run(scenario, samples=0, progress=lambda time_ns: None)  # noqa: ARG005 - what a run calls
    if result.interrupted:
        raise KeyboardInterrupt
    return result


def run_task(task: Task) -> StudyRun:
    """Make one run; raise KeyboardInterrupt if the user interrupts it."""
    result = whole(task.scenario)
    broken = tuple(f"{verdict.name}: {verdict.detail}" for verdict in result.verdicts if verdict.broken)
    values = {metric: result.values[metric] for metric in MEASURED}
    return StudyRun(task.label, task.replication, task.scenario.seed, values, broken, result.remarks)


def run_all(pool: Executor, tasks: Sequence[Task], progress: Progress = unseen) -> Iterator[StudyRun]:
    """Make all runs, and yield them in order; one that fails is kept as such.

    If the user interrupts, those that are made by then are yielded before KeyboardInterrupt is raised.
    """
    made: dict[int, StudyRun] = {}
    with UntilInterrupted() as ending, closing(as_they_end(pool, run_task, dict(enumerate(tasks)))) as ended:
        for number, result in ended:
            made[number] = _record(tasks[number], result)
            progress(len(made), len(tasks))
    yield from (made[number] for number in sorted(made))
    if ending.interrupted:
        raise KeyboardInterrupt


def _record(task: Task, result: StudyRun | BaseException) -> StudyRun:
    """Return a run, or the record of its failure."""
    if isinstance(result, StudyRun):
        return result
    return StudyRun(task.label, task.replication, task.scenario.seed, {}, error=f"{type(result).__name__}: {result}")


def number_of(value: Value) -> float | None:
    """Return a metric's value as a number, None where it has none or is a truth value."""
    return None if value is None or isinstance(value, bool) else float(value)
