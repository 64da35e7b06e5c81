"""The values of keys that make one metric least while others stay within limits."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from vmfailover.errors import InputError
from vmfailover.scenario import Scenario
from vmfailover.scenario.expectation import Expectation, metric_name
from vmfailover.studies.executors import local_processes
from vmfailover.studies.ranges import Range
from vmfailover.studies.runs import Progress, StudyRun, Task, number_of, replica, run_all, unseen
from vmfailover.studies.statistics import Estimate, estimate, share_of, statistic
from vmfailover.version import version

if TYPE_CHECKING:
    from vmfailover.report.plots import TuningPlots

#: Version of what `to_dict` returns; it changes when a key is renamed or removed.
SCHEMA_VERSION = 1
#: Trials that are asked for and run together, whatever the number of workers, so that results do not depend on it.
BATCH = 8
#: Trials that are looked at again with more replications.
FINALISTS = 4
_OBJECTIVE = re.compile(r"([\w.]+?)(?:\.(mean|median|min|max|p\d{1,2}(?:\.\d{1,3})?))?")
_CONSTRAINT = re.compile(rf"\s*{_OBJECTIVE.pattern}\s*((?:<=|>=|<|>)\s*\S.*?)\s*")


@dataclass(frozen=True, slots=True)
class Objective:
    """A statistic of a metric, over replications."""

    metric: str
    statistic: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what METRIC or METRIC.STATISTIC says, the mean if not said; raise InputError if it is none."""
        match = _OBJECTIVE.fullmatch(text.strip())
        try:
            if match is None:
                raise ValueError("write for example guest.slowdown or failover.latency_ns.p99")
            name = match[2] or "mean"
            if name != "mean":
                share_of(name)
            return cls(metric_name(match[1]), name)
        except ValueError as error:
            raise InputError(f"--minimize: {text!r}: {error}") from None

    def of(self, runs: Sequence[StudyRun]) -> Estimate:
        """Return it for some runs."""
        numbers = (number_of(run.values.get(self.metric)) for run in runs)
        return estimate([number for number in numbers if number is not None], self.statistic)


@dataclass(frozen=True, slots=True)
class Constraint:
    """What has to hold of a statistic."""

    text: str
    objective: Objective
    expectation: Expectation

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what `METRIC.STATISTIC < LIMIT` says; raise InputError if it says nothing."""
        match = _CONSTRAINT.fullmatch(text)
        try:
            if match is None:
                raise ValueError("write for example 'failover.latency_ns.p99 < 50 ms'")
            name = match[2] or "mean"
            expectation = Expectation.parse(match[1], f"{name} {match[3]}")
        except ValueError as error:
            raise InputError(f"--subject-to: {text!r}: {error}") from None
        return cls(text, Objective(expectation.metric, name), expectation)

    def excess(self, runs: Sequence[StudyRun]) -> float:
        """Return how far it is from holding, as a share of the limit; 0 or less if it holds, 1 without a value."""
        value = self.objective.of(runs).value
        if value is None:
            return 1.0
        limit = self.expectation.limit
        beyond = value - limit if self.expectation.comparison.startswith("<") else limit - value
        excess = beyond / abs(limit) if limit else beyond
        return min(0.0, excess) if self.expectation.holds(value) else max(excess, 1e-12)


@dataclass(frozen=True, slots=True)
class Trial:
    """A point that was tried."""

    number: int
    #: The value of each key, as a scenario has it.
    point: Mapping[str, str]
    #: Where that is in the key's range, from 0 to 1.
    positions: Mapping[str, float]
    objective: Estimate
    #: How far each constraint is from holding, as a share of its limit; 0 or less if it holds.
    excess: tuple[float, ...]
    #: Why it could not be run, or what is broken; empty if all is well.
    error: str

    @property
    def possible(self) -> bool:
        """Whether every constraint holds."""
        return not self.error and self.objective.value is not None and all(each <= 0 for each in self.excess)


@dataclass(frozen=True)
class Tuning:
    """What a search has found."""

    scenario: Scenario
    objective: Objective
    constraints: tuple[Constraint, ...]
    trials: tuple[Trial, ...]
    #: The best trials again, with more replications, the best first; none if no trial was possible.
    finalists: tuple[Trial, ...]
    #: Of each finalist, whether it is certainly worse than the best, by paired differences.
    worse: tuple[bool, ...]

    @property
    def best(self) -> Trial | None:
        """The best point, None if no trial keeps the constraints."""
        return self.finalists[0] if self.finalists else None

    @property
    def consistent(self) -> bool:
        """Whether no invariant was broken in any run."""
        return not any(trial.error.startswith("broken") for trial in (*self.trials, *self.finalists))

    def alike(self) -> dict[str, tuple[str, str]]:
        """Return, of each key, the least and the greatest value of finalists that are not certainly worse."""
        alike = [each for each, worse in zip(self.finalists, self.worse, strict=True) if not worse]
        found = {}
        for key in self.best.point if self.best else ():
            ordered = sorted(alike, key=lambda each, key=key: each.positions[key])  # type: ignore[misc]
            found[key] = (ordered[0].point[key], ordered[-1].point[key])
        return found

    @property
    def plot(self) -> TuningPlots:
        """The figures of the search, as in `found.plot.trials()`."""
        from vmfailover.report.plots import TuningPlots

        return TuningPlots(self)

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "schema_version": SCHEMA_VERSION,
            "vmfailover_version": version(),
            "scenario": {"name": self.scenario.name, "hash": self.scenario.hash},
            "objective": asdict(self.objective),
            "constraints": [each.text for each in self.constraints],
            "trials": [asdict(each) for each in self.trials],
            "finalists": [asdict(each) for each in self.finalists],
            "certainly_worse": list(self.worse),
            "alike": self.alike(),
        }

    def to_json(self) -> str:
        """Return `to_dict` as indented JSON text, without NaN."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)


#: Makes the runs of a point; all points have the random numbers of a replication in common.
Evaluate = Callable[[Sequence[Mapping[str, str]], range], list[list[StudyRun]]]


def tune(
    scenario: Scenario,
    minimize: str,
    vary: Mapping[str, str],
    *,
    subject_to: Sequence[str] = (),
    trials: int = 40,
    replications: int = 3,
    confirmations: int = 20,
    executor: Executor | None = None,
    progress: Progress = unseen,
) -> Tuning:
    """Search the values of keys, each within `LO:HI[:log]`, that make a statistic least under constraints.

    Optuna's tree-structured Parzen estimator proposes points, `BATCH` at a time; each is run `replications` times. The
    best are run `confirmations` times, with other random numbers than the search had, and compared pair by pair: what
    is told of them is not that they were lucky. Raises InputError for what cannot be read, or without Optuna.
    """
    objective, constraints = Objective.parse(minimize), tuple(map(Constraint.parse, subject_to))
    ranges = [Range.parse(f"{key}={values}") for key, values in vary.items()]
    if not ranges:
        raise InputError("--vary: give at least one KEY=LO:HI[:log]")
    for spread in ranges:
        for end in (0, 1):
            scenario.with_(**{spread.key: spread.at(end)})
    with nullcontext(executor) if executor else local_processes() as pool:

        def evaluate(points: Sequence[Mapping[str, str]], numbers: range) -> list[list[StudyRun]]:
            return _runs(pool, scenario, points, numbers)

        tried = search(evaluate, ranges, objective, constraints, trials, replications, scenario.seed, progress)
        chosen = sorted((each for each in tried if each.possible), key=_value)[:FINALISTS]
        again = evaluate([each.point for each in chosen], range(replications, replications + confirmations))
    confirmed = [
        (Trial(each.number, each.point, each.positions, *_judged(runs, objective, constraints)), runs)
        for each, runs in zip(chosen, again, strict=True)
    ]
    finalists = sorted((pair for pair in confirmed if pair[0].possible), key=lambda pair: _value(pair[0]))
    worse = tuple(_certainly_worse(runs, finalists[0][1], objective) for _, runs in finalists)
    return Tuning(scenario, objective, constraints, tuple(tried), tuple(trial for trial, _ in finalists), worse)


def search(
    evaluate: Evaluate,
    ranges: Sequence[Range],
    objective: Objective,
    constraints: Sequence[Constraint],
    trials: int,
    replications: int,
    seed: int,
    progress: Progress = unseen,
) -> list[Trial]:
    """Try so many points, each proposed from what has been found so far; the same for the same seed."""
    optuna = _optuna()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=seed % 2**32, multivariate=len(ranges) > 1)
    study = optuna.create_study(sampler=sampler)
    found: list[Trial] = []
    while len(found) < trials:
        asked = [study.ask() for _ in range(min(BATCH, trials - len(found)))]
        positions = [{each.key: ask.suggest_float(each.key, 0.0, 1.0) for each in ranges} for ask in asked]
        points = [{each.key: each.at(place[each.key]) for each in ranges} for place in positions]
        made = evaluate(points, range(replications))
        for ask, point, place, runs in zip(asked, points, positions, made, strict=True):
            trial = Trial(len(found), point, place, *_judged(runs, objective, constraints))
            for constraint, excess in zip(constraints, trial.excess, strict=True):
                ask.set_constraint(constraint.text, excess)
            if trial.error or trial.objective.value is None:
                study.tell(ask, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(ask, trial.objective.value)
            found.append(trial)
        progress(len(found), trials)
    return found


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise InputError("tune: needs the package optuna; pip install 'vmfailover[studies]'") from None
    return optuna


def _runs(
    pool: Executor, scenario: Scenario, points: Sequence[Mapping[str, str]], numbers: range
) -> list[list[StudyRun]]:
    """Make the replications of each point; one that cannot be is a run with an error."""
    tasks: list[Task] = []
    errors: dict[int, str] = {}
    for index, point in enumerate(points):
        try:
            there = scenario.with_(**point)
            tasks += [Task(str(index), replica(there, number), number) for number in numbers]
        except InputError as error:
            errors[index] = str(error).splitlines()[0]
    runs = list(run_all(pool, tasks))
    return [
        [StudyRun(str(index), 0, scenario.seed, {}, error=errors[index])]
        if index in errors
        else [run for run in runs if run.label == str(index)]
        for index in range(len(points))
    ]


def _judged(
    runs: Sequence[StudyRun], objective: Objective, constraints: Sequence[Constraint]
) -> tuple[Estimate, tuple[float, ...], str]:
    """Return the objective of a point's runs, the excess of each constraint, and what is wrong."""
    return objective.of(runs), tuple(each.excess(runs) for each in constraints), next(_faults(runs), "")


def _faults(runs: Sequence[StudyRun]) -> Iterator[str]:
    for run in runs:
        if run.error:
            yield run.error
        yield from (f"broken: {line}" for line in run.broken)


def _value(trial: Trial) -> float:
    return float("inf") if trial.objective.value is None else trial.objective.value


def _certainly_worse(runs: Sequence[StudyRun], best: Sequence[StudyRun], objective: Objective) -> bool:
    """Whether the metric is greater than the best's by more than chance explains, replication by replication."""
    pairs = [
        (number_of(one.values.get(objective.metric)), number_of(other.values.get(objective.metric)))
        for one, other in zip(runs, best, strict=True)
    ]
    differences = [one - other for one, other in pairs if one is not None and other is not None]
    mean = statistic(differences)
    return mean.certain and (mean.mean or 0) > 0
