"""The runs of a study: what each is of, and what came of it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from vmfailover.engine.interruption import UntilInterrupted
from vmfailover.engine.streams import generator
from vmfailover.records.metric_names import METRICS
from vmfailover.records.metric_values import Metrics
from vmfailover.results.metrics import WALL_CLOCK
from vmfailover.results.quantities import duration
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

    The seed is n higher, and all failures at a given time that are not `fixed` come later by one random time, less than
    a checkpoint interval or, if longer, a heartbeat's, and such that the last of them is before the end: the same for
    all scenarios with the same seed, the same two intervals, and as much time after the last failure as these.
    """
    if replication == 0:
        return scenario
    later_ns = _later_ns(scenario, replication)
    moved = {f"failures.{index}.at": f"{at_ns + later_ns} ns" for index, at_ns in _movable(scenario).items()}
    return scenario.with_(**{"seed": scenario.seed + replication}, **moved)


def end_remark(scenario: Scenario) -> str:
    """Return that a run ends too soon for replications to have failures at any instant; nothing if it does not."""
    wanted_ns, room_ns = _longest_ns(scenario), _room_ns(scenario)
    if room_ns >= wanted_ns:
        return ""
    return (
        f"replications move the failures by up to {duration(room_ns)} instead of {duration(wanted_ns)}, since the run "
        "ends then: not all instants of an epoch are met; let the duration be longer"
    )


def _later_ns(scenario: Scenario, replication: int) -> int:
    """Draw how much later failures come; what is beyond the end is drawn again, which leaves all instants as likely."""
    draws, room_ns = generator(scenario.seed, f"comparison.failure.{replication}"), _room_ns(scenario)
    later_ns = int(draws.integers(_longest_ns(scenario)))
    return later_ns if later_ns < room_ns else int(draws.integers(room_ns))


def _longest_ns(scenario: Scenario) -> int:
    return max(scenario.replication.checkpoint_interval, scenario.detection.interval)


def _room_ns(scenario: Scenario) -> int:
    """Return the time from the last failure that moves to the end; without one, any is enough."""
    return min((scenario.duration - at_ns for at_ns in _movable(scenario).values()), default=_longest_ns(scenario))


def _movable(scenario: Scenario) -> dict[int, int]:
    """Return when each failure strikes that replications move, by its place among the failures."""
    return {
        index: failure.at
        for index, failure in enumerate(scenario.failures)
        if failure.at is not None and not failure.fixed
    }


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
