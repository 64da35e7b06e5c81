"""Several scenarios, or one under several protocols, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vmfailover.display import Plotted
from vmfailover.engine.interruption import UntilInterrupted
from vmfailover.errors import InputError, ParameterError
from vmfailover.records.metric_values import Value
from vmfailover.results.json_result import about
from vmfailover.scenario import Scenario, ScenarioError
from vmfailover.scenario.replication import Replication
from vmfailover.scenario.warnings import unused_keys
from vmfailover.studies.known import Known, difference_known, known, statistic_known
from vmfailover.studies.progress import Progress
from vmfailover.studies.runs import ABOUT, MEASURED, StudyRun, Task, replica, run_all
from vmfailover.studies.statistics import CONFIDENCE, Statistic
from vmfailover.studies.study import StudyResult, interruption, study_pool

if TYPE_CHECKING:
    import pandas as pd


#: Runs of each column if not said otherwise.
REPLICATIONS = 3
#: Means that differ by less, relatively, are the same.
SAME = 1e-9


@dataclass(frozen=True)
class Comparison(StudyResult, Plotted):
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
        """Return what the protocol has to say about a column, a sentence each.

        That it makes no use of some keys is not said: a comparison has those of all its columns.
        """
        unused = set(unused_keys(self.scenarios[column]))
        found = next((run.remarks for run in self.of(column)), ())
        return tuple(line for line in found if line not in unused)

    def statistic(self, column: str, metric: str) -> Statistic:
        """Return a metric's mean over the replications that have it, with its 95 % confidence interval."""
        return statistic_known(list(self._observed(column, metric).values()))

    def is_partial(self, column: str, metric: str) -> bool:
        """Whether a metric is known in some of a column's runs and not in others, as where the VM never came back."""
        return 0 < self.statistic(column, metric).n < len(self.of(column))

    def difference(self, column: str, metric: str) -> Statistic:
        """Return the mean difference to the baseline over the replications in which both have the metric."""
        return self._difference(column, self.baseline, metric)

    def _difference(self, column: str, other: str, metric: str) -> Statistic:
        ours, theirs = self._observed(column, metric), self._observed(other, metric)
        return difference_known([(own, theirs[number]) for number, own in ours.items() if number in theirs])

    def winners(self, metric: str) -> tuple[str, ...]:
        """Return the column with the lowest mean, and those that are not worse than it by more than chance explains.

        None are returned if that leaves none out, as where each column is a single run, or if only one has the metric.
        A mean that is a lower bound wins nothing, and neither does one of a part of the runs, such as those after which
        the VM came back.
        """
        found = {name: self.statistic(name, metric) for name in self.names}
        means = {name: each.mean for name, each in found.items() if each.mean is not None}
        exact = [name for name in means if not found[name].at_least and found[name].n == len(self.of(name))]
        if not exact:
            return ()
        lowest = min(exact, key=lambda name: means[name])
        best = tuple(name for name in exact if name == lowest or not self._certainly_worse(name, lowest, metric))
        return best if len(best) < len(means) else ()

    def _certainly_worse(self, column: str, best: str, metric: str) -> bool:
        """Whether a metric is greater than in another column by more than chance explains, pair by pair."""
        found = self._difference(column, best, metric)
        lowest = self.statistic(best, metric).mean or 0.0
        return found.certain and (found.mean or 0.0) > SAME * abs(lowest)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a run: column, replication, seed, error, and every metric."""
        import pandas as pd

        rows = [{"column": run.label, **run.about()} | run.values for run in self.runs]
        return pd.DataFrame(rows, columns=["column", *ABOUT, *MEASURED])

    def __repr__(self) -> str:
        """Return what it is of in a line."""
        return f"<Comparison of {', '.join(self.names)}: {self.replications} replications>"

    def _content(self) -> dict[str, Any]:
        return {
            "baseline": self.baseline,
            "replications": self.replications,
            "confidence": CONFIDENCE,
            **interruption(self.interrupted),
            "columns": {name: self._column(name) for name in self.names},
            "impossible": self.impossible,
            "winners": {metric: list(self.winners(metric)) for metric in MEASURED},
        }

    def _observed(self, column: str, metric: str) -> dict[int, Known]:
        """Return what is known of a metric, truth values aside, by the numbers of the replications."""
        runs = [run for run in self.of(column) if not isinstance(run.values.get(metric), bool)]
        found = ((run.replication, known(run.values, metric)) for run in runs)
        return {replication: each for replication, each in found if each is not None}

    def _column(self, name: str) -> dict[str, Any]:
        runs, scenario = self.of(name), self.scenarios[name]
        return {
            "scenario": about(scenario),
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
        raise ParameterError("baseline", f"{first!r} is not compared; it is one of {', '.join(named)}")
    tasks = [Task(name, replica(scenario, n), n) for name, scenario in named.items() for n in range(replications)]
    runs: list[StudyRun] = []
    with (
        UntilInterrupted() as ending,
        study_pool("comparing", executor, progress) as (pool, told),
    ):
        for run in run_all(pool, tasks, told):
            runs.append(run)
    return Comparison(named, first, replications, tuple(runs), interrupted=ending.interrupted)


def under_protocols(scenario: Scenario, names: Sequence[str]) -> tuple[dict[str, Scenario], dict[str, str]]:
    """Return a scenario under each protocol that can protect it, and why the others cannot."""
    return possible_columns(names, lambda name: scenario.with_(**{"replication.protocol": name}))


def possible_columns(
    names: Sequence[str], scenario_of: Callable[[str], Scenario]
) -> tuple[dict[str, Scenario], dict[str, str]]:
    """Return the scenario of each column that can be, and why the others cannot."""
    possible: dict[str, Scenario] = {}
    impossible: dict[str, str] = {}
    for name in names:
        try:
            possible[name] = scenario_of(name)
        except ScenarioError as error:
            impossible[name] = str(error).splitlines()[0]
    return possible, impossible


def all_protocols() -> list[str]:
    """Return the names of all protocols."""
    return list(Replication.kinds)


def _by_name(scenarios: Sequence[Scenario]) -> dict[str, Scenario]:
    named = {scenario.name: scenario for scenario in scenarios}
    for scenario in scenarios:
        if named[scenario.name] is not scenario:
            raise InputError(f"{scenario.path}: name: {scenario.name!r} is the name of two scenarios; rename one")
    return named
