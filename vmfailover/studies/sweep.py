"""One scenario with other values of some keys, point by point."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmfailover.display import Plotted
from vmfailover.engine.interruption import UntilInterrupted
from vmfailover.errors import InputError
from vmfailover.scenario import Scenario
from vmfailover.scenario.errors import NoSuchKeyError
from vmfailover.studies.averages import count_name
from vmfailover.studies.design import Kind, Point, Values, points
from vmfailover.studies.progress import Progress
from vmfailover.studies.runs import Task, end_remark, replica, run_task
from vmfailover.studies.study import ScenarioStudy, interruption, study_pool
from vmfailover.studies.sweep_points import PointResult, PointRun
from vmfailover.studies.sweep_store import KeyValue, Plan, Store
from vmfailover.studies.workers import as_they_end

if TYPE_CHECKING:
    import pandas as pd


#: Runs of each point if not said otherwise. When in its epoch a failure strikes is chance, so that the best of many
#: single runs is the luckiest; whether nothing is left to chance cannot be known before a scenario has run.
REPLICATIONS = 5


@dataclass(frozen=True, slots=True)
class PointTask:
    """A point to be run."""

    number: int
    scenario: Scenario
    point: Point
    #: The replications to be made, from the first to before the last.
    first: int
    last: int


@dataclass(frozen=True)
class Sweep(ScenarioStudy, Plotted):
    """The points of a sweep, and what came of each."""

    scenario: Scenario
    #: The keys that vary.
    keys: tuple[str, ...]
    #: The values of the keys at each point, as a scenario has them.
    texts: tuple[Point, ...]
    #: One row a point: number, the keys with their values, error, broken, remark, and for each metric its mean over the
    #: replications that have it, half the width of its 95 % confidence interval and, unless every run has it, in how
    #: many it is known, as `METRIC`, `METRIC.half_width` and `METRIC.n`.
    frame: pd.DataFrame
    #: Whether the user ended it early; it has then what was finished.
    interrupted: bool = False
    #: Runs of each point.
    replications: int = 1

    @property
    def failed(self) -> int:
        """Points that have no values."""
        return int((self.frame["error"] != "").sum())

    @property
    def consistent(self) -> bool:
        """Whether no invariant is broken at any point."""
        return bool((self.frame["broken"] == "").all())

    def partial(self, metric: str) -> pd.Series[bool]:
        """Return at which points a metric is known in some of the runs and not in others, such as after no failover."""
        import pandas as pd

        runs = self.frame.get(count_name(metric), pd.Series(self.replications, self.frame.index))
        return runs.between(1, self.replications - 1)

    def where(self, fixed: Mapping[str, str]) -> Sweep:
        """Return the part of the sweep in which some keys have these values, as texts, and only the others vary.

        Raises InputError for a key that does not vary or a value that is not among those tried.
        """
        for key, text in fixed.items():
            tried = list(dict.fromkeys(point[key] for point in self.texts if key in point))
            if text not in tried:
                told = f"it is one of {', '.join(tried)}" if tried else f"{', '.join(self.keys)} do"
                raise InputError(f"where: {key}={text!r} is not in the sweep; {told}")
        part = [at for at, point in enumerate(self.texts) if all(point[key] == text for key, text in fixed.items())]
        rows = self.frame[self.frame["point"].isin(part)].drop(columns=list(fixed)).reset_index(drop=True)
        frame = rows.assign(point=[part.index(number) for number in rows["point"]])
        keys = tuple(key for key in self.keys if key not in fixed)
        texts = tuple({key: self.texts[at][key] for key in keys} for at in part)
        return replace(self, keys=keys, texts=texts, frame=frame)

    def with_every_point(self) -> Sweep:
        """Return it with a row for each point; one that is not finished has no values."""
        if len(self.frame) == len(self.texts):
            return self
        import pandas as pd

        frame = pd.DataFrame({"point": range(len(self.texts))}).merge(self.frame, on="point", how="left")
        return replace(self, frame=frame.fillna({"error": "", "broken": "", "remark": ""}))

    def __repr__(self) -> str:
        """Return what it is of in a line."""
        keys, points = ", ".join(self.keys), len(self.frame)
        return f"<Sweep of {self.scenario.name} over {keys}: {points} points, {self.failed} failed>"

    def _findings(self) -> dict[str, Any]:
        rows = json.loads(self.frame.to_json(orient="records"))
        return {
            "seed": self.scenario.seed,
            "keys": list(self.keys),
            "replications": self.replications,
            **interruption(self.interrupted),
            "points": rows,
        }


def sweep(
    scenario: Scenario,
    keys: Mapping[str, Values],
    *,
    design: Kind = "grid",
    count: int | None = None,
    replications: int = REPLICATIONS,
    out: Path | str | None = None,
    executor: Executor | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Sweep:
    """Run a scenario at every point of a design, the n-th replications of all points with the same random numbers.

    `keys` have values each, as in `{"replication.checkpoint_interval": ["1 ms", "5 ms"]}`, or a text as `-p` takes it.
    With `out`, each point is a file of that folder as soon as it is done, and those that are there already are not run
    again: the sweep goes on after an interruption, and one with more values, keys or replications grows out of one with
    fewer, whose points keep their numbers. `executor` runs them, or new processes, as many as `jobs` or as there are
    cores. A point that cannot be run is a row with its error; unless its input is wrong, as where a worker was killed,
    the same sweep tries it again. If the user interrupts, the points that are finished are returned. Raises InputError
    for keys that are not known and for a folder of another sweep.
    """
    chosen = points(keys, design, count, scenario.seed)
    values = {key: _values(scenario, key, {point[key] for point in chosen}) for key in keys}
    store = Store(Path(out) if out is not None else None, Plan(scenario, chosen, values, replications))
    chosen = list(store.plan.points)
    tasks = [PointTask(n, scenario, chosen[n], first, replications) for n, first in store.missing()]
    done = len(chosen) - len(tasks)
    with (
        UntilInterrupted() as ending,
        study_pool("sweeping", executor, progress, jobs) as (pool, told),
        closing(as_they_end(pool, run_point, dict(enumerate(tasks)))) as ended,
    ):
        told(done, len(chosen))
        for count_done, (index, result) in enumerate(ended, done + 1):
            store.add(tasks[index].number, _failed(result) if isinstance(result, BaseException) else result)
            told(count_done, len(chosen))
    return Sweep(scenario, tuple(keys), tuple(chosen), store.frame(), ending.interrupted, replications)


def run_point(task: PointTask) -> PointResult:
    """Run one point; what is wrong with it is its error."""
    try:
        scenario = task.scenario.with_(**task.point)
    except InputError as error:
        return _failed(error)
    runs = (run_task(Task(str(task.number), replica(scenario, n), n)) for n in range(task.first, task.last))
    made = tuple(PointRun(run.values, run.broken) for run in runs)
    return PointResult(made, remark=end_remark(scenario) if task.last > 1 else "")


def _failed(error: BaseException) -> PointResult:
    """Return the point that has met an error: one of the input will meet it again, any other may have been bad luck."""
    if isinstance(error, InputError):
        return PointResult((), str(error).splitlines()[0], refused=True)
    return PointResult((), f"{type(error).__name__}: {error}; the same sweep tries it again")


def _values(scenario: Scenario, key: str, texts: set[str]) -> dict[str, KeyValue]:
    """Return what each text is as the value of a key; None where it is not right, or not without other keys.

    Raises NoSuchKeyError if there is no such key.
    """
    found: dict[str, KeyValue] = dict.fromkeys(texts)
    for text in texts:
        try:
            found[text] = _plain(scenario.with_(**{key: text}).value(key))
        except NoSuchKeyError:
            raise
        except InputError:
            continue
    return found


def _plain(value: Any) -> KeyValue:
    """Return a number as such, and anything else but None as text."""
    if value is None:
        return None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
