"""Several scenarios, or one under several protocols, side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vmfailover.errors import InputError
from vmfailover.interruption import UntilInterrupted
from vmfailover.results.metric_values import Value
from vmfailover.scenario import Scenario, ScenarioError
from vmfailover.scenario.protocols import PROTOCOLS
from vmfailover.studies.executors import local_processes
from vmfailover.studies.progress import Progress, followed
from vmfailover.studies.runs import ABOUT, MEASURED, StudyRun, Task, number_of, replica, run_all
from vmfailover.studies.statistics import Statistic, statistic
from vmfailover.version import version

if TYPE_CHECKING:
    import pandas as pd

    from vmfailover.report.plots import ComparisonPlots

#: Version of what `to_dict` returns; it changes when a key is renamed or removed.
SCHEMA_VERSION = 1
#: Runs of each column if not said otherwise.
REPLICATIONS = 3
#: Means that differ by less, relatively, are the same.
SAME = 1e-9


@dataclass(frozen=True)
class Comparison:
    """The columns of a comparison, run by run; all runs of a replication have their random numbers in common."""

    scenarios: dict[str, Scenario]
    baseline: str
    replications: int
    #: In the order of the columns, then of the replications.
    runs: tuple[StudyRun, ...]
    #: Columns that there are not, and why.
    impossible: dict[str, str] = field(default_factory=dict)
    #: Whether the user ended it early; it has then what was finished.
    interrupted: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in order."""
        return tuple(self.scenarios)

    @property
    def consistent(self) -> bool:
        """Whether no run has failed and no invariant is broken in any."""
        return not any(run.broken or run.error for run in self.runs)

    def of(self, column: str) -> list[StudyRun]:
        """Return the runs of a column, in order of the replications."""
        return [run for run in self.runs if run.label == column]

    def values(self, column: str, metric: str) -> list[Value]:
        """Return a metric in each replication, None where it has no value."""
        return [run.values.get(metric) for run in self.of(column)]

    def remarks(self, column: str) -> tuple[str, ...]:
        """Return what the protocol has to say about a column, a sentence each."""
        return next((run.remarks for run in self.of(column)), ())

    def statistic(self, column: str, metric: str) -> Statistic:
        """Return a metric's mean over the replications that have it, with its 95 % confidence interval."""
        return statistic(list(self._numbers(column, metric).values()))

    def difference(self, column: str, metric: str) -> Statistic:
        """Return the mean difference to the baseline over the replications in which both have the metric."""
        ours, theirs = self._numbers(column, metric), self._numbers(self.baseline, metric)
        return statistic([own - theirs[replication] for replication, own in ours.items() if replication in theirs])

    def winners(self, metric: str) -> tuple[str, ...]:
        """Return the columns with the lowest mean; none if all are alike, or only one column has the metric."""
        found = [(name, self.statistic(name, metric).mean) for name in self.names]
        means = {name: mean for name, mean in found if mean is not None}
        lowest = min(means.values(), default=0.0)
        best = tuple(name for name, mean in means.items() if mean - lowest <= SAME * abs(lowest))
        return best if len(best) < len(means) else ()

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a run: column, replication, seed, error, and every metric."""
        import pandas as pd

        rows = [{"column": run.label, **run.about()} | run.values for run in self.runs]
        return pd.DataFrame(rows, columns=["column", *ABOUT, *MEASURED])

    @property
    def plot(self) -> ComparisonPlots:
        """The figures of the comparison, as in `comparison.plot.bars()`."""
        from vmfailover.report.plots import ComparisonPlots

        return ComparisonPlots(self)

    def __repr__(self) -> str:
        """Return what it is of in a line."""
        return f"<Comparison of {', '.join(self.names)}: {self.replications} replications>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows of it."""
        from vmfailover.report.html.page import render_fragment
        from vmfailover.report.html.study_pages import comparison_page

        return render_fragment(comparison_page(self))

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "schema_version": SCHEMA_VERSION,
            "vmfailover_version": version(),
            "baseline": self.baseline,
            "replications": self.replications,
            "confidence": 0.95,
            **({"interrupted": True} if self.interrupted else {}),
            "columns": {name: self._column(name) for name in self.names},
            "impossible": self.impossible,
            "winners": {metric: list(self.winners(metric)) for metric in MEASURED},
        }

    def to_json(self) -> str:
        """Return `to_dict` as indented JSON text, without NaN."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def _numbers(self, column: str, metric: str) -> dict[int, float]:
        """Return a metric of the replications that have it, by their numbers."""
        found = ((run.replication, number_of(run.values.get(metric))) for run in self.of(column))
        return {replication: number for replication, number in found if number is not None}

    def _column(self, name: str) -> dict[str, Any]:
        runs, scenario = self.of(name), self.scenarios[name]
        return {
            "scenario": {"name": scenario.name, "hash": scenario.hash},
            "seeds": [run.seed for run in runs],
            "metrics": {
                metric: {**self.statistic(name, metric).to_dict(), "values": self.values(name, metric)}
                for metric in MEASURED
            },
            "difference": {metric: self.difference(name, metric).to_dict() for metric in MEASURED},
            "broken_invariants": sorted({line for run in runs for line in run.broken}),
            "remarks": list(self.remarks(name)),
            "errors": [run.error for run in runs if run.error],
        }


def compare(
    scenarios: Sequence[Scenario] | Mapping[str, Scenario],
    *,
    replications: int = REPLICATIONS,
    baseline: str | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Run each scenario so many times, the n-th times all with the same seed and the same instants of failure.

    Scenarios in a sequence are named by their `name`. `executor` runs them, new processes on all cores if not said;
    `baseline` is what differences are to, the first if not said. Raises InputError for names that are not unique or
    not known. A run that fails is kept as such. If the user interrupts, the runs that are finished are returned.
    """
    named = dict(scenarios) if isinstance(scenarios, Mapping) else _by_name(scenarios)
    first = baseline or next(iter(named))
    if first not in named:
        raise InputError(f"--baseline: {first!r} is not compared; it is one of {', '.join(named)}")
    tasks = [Task(name, replica(scenario, n), n) for name, scenario in named.items() for n in range(replications)]
    runs: list[StudyRun] = []
    with (
        UntilInterrupted() as ending,
        nullcontext(executor) if executor else local_processes() as pool,
        followed(progress, "comparing") as told,
    ):
        for run in run_all(pool, tasks, told):
            runs.append(run)
    return Comparison(named, first, replications, tuple(runs), interrupted=ending.interrupted)


def under_protocols(scenario: Scenario, names: Sequence[str]) -> tuple[dict[str, Scenario], dict[str, str]]:
    """Return a scenario under each protocol that can protect it, and why the others cannot."""
    possible: dict[str, Scenario] = {}
    impossible: dict[str, str] = {}
    for name in names:
        try:
            possible[name] = scenario.with_(**{"replication.protocol": name})
        except ScenarioError as error:
            impossible[name] = str(error).splitlines()[0]
    return possible, impossible


def all_protocols() -> list[str]:
    """Return the names of all protocols."""
    return list(PROTOCOLS)


def _by_name(scenarios: Sequence[Scenario]) -> dict[str, Scenario]:
    named = {scenario.name: scenario for scenario in scenarios}
    for scenario in scenarios:
        if named[scenario.name] is not scenario:
            raise InputError(f"{scenario.path}: name: {scenario.name!r} is the name of two scenarios; rename one")
    return named
