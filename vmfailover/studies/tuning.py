"""The values of keys that make one metric least while others stay within limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from typing import Any

from vmfailover.display import Plotted
from vmfailover.engine.interruption import UntilInterrupted
from vmfailover.errors import InputError, ParameterError
from vmfailover.scenario import Scenario
from vmfailover.studies.known import difference_known
from vmfailover.studies.objective import Constraint, Objective
from vmfailover.studies.progress import Progress, unseen
from vmfailover.studies.ranges import Range
from vmfailover.studies.runs import StudyRun, Task, replica, run_all
from vmfailover.studies.statistics import Estimate
from vmfailover.studies.study import ScenarioStudy, interruption, study_pool

#: Trials that are asked for and run together, whatever the number of workers, so that results do not depend on it.
BATCH = 8
#: Trials that are looked at again together, with more replications.
FINALISTS = 4
#: Trials that are looked at again at most, where one after the other does not keep the constraints then.
MOST_FINALISTS = 20
#: Runs of a trial, and of a finalist, if not said otherwise.
REPLICATIONS, CONFIRMATIONS = 3, 20


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
    #: Runs in which nothing is known of the objective's metric, such as a latency where the VM never came back.
    without: int = 0
    #: Whether an invariant is broken in a run.
    broken: bool = False

    @property
    def possible(self) -> bool:
        """Whether every constraint holds, and the objective is one of all runs, not of those that happen to have it."""
        known = not self.error and not self.without and self.objective.value is not None
        return known and all(each <= 0 for each in self.excess)

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {name: value for name, value in asdict(self).items() if name != "broken"}


@dataclass(frozen=True)
class Tuning(ScenarioStudy, Plotted):
    """What a search has found."""

    scenario: Scenario
    objective: Objective
    constraints: tuple[Constraint, ...]
    trials: tuple[Trial, ...]
    #: The best trials again, with more replications, the best first; none if none was possible, or is still so. If the
    #: user interrupted before one was run again, the best so far, as it was in the search.
    finalists: tuple[Trial, ...]
    #: Of each finalist, whether it is certainly worse than the best, by paired differences.
    worse: tuple[bool, ...]
    #: Whether the user ended it early; it has then what was finished.
    interrupted: bool = False
    #: Runs of each trial.
    replications: int = REPLICATIONS
    #: Trials that were possible in the search, and are not with more replications; as they are then.
    refuted: tuple[Trial, ...] = ()

    @property
    def best(self) -> Trial | None:
        """The best point, None if no trial is possible, or none is so with more replications."""
        return self.finalists[0] if self.finalists else None

    @property
    def consistent(self) -> bool:
        """Whether no invariant was broken in any run."""
        return not any(trial.broken for trial in self.judged)

    @property
    def judged(self) -> tuple[Trial, ...]:
        """Every trial, in the search and again."""
        return (*self.trials, *self.finalists, *self.refuted)

    @property
    def confirmed(self) -> bool:
        """Whether the finalists have been run again, or there are none."""
        return not any(trial is self.best for trial in self.trials)

    def alike(self) -> dict[str, tuple[str, str]]:
        """Return, of each key, the least and the greatest value of finalists that are not certainly worse."""
        alike = [each for each, worse in zip(self.finalists, self.worse, strict=True) if not worse]
        found = {}
        for key in self.best.point if self.best else ():
            ordered = sorted(alike, key=lambda each, key=key: each.positions[key])  # type: ignore[misc]
            found[key] = (ordered[0].point[key], ordered[-1].point[key])
        return found

    def __repr__(self) -> str:
        """Return what it has found in a line."""
        best = ", ".join(f"{key} = {text}" for key, text in self.best.point.items()) if self.best else "none possible"
        return f"<Tuning of {self.objective.metric} of {self.scenario.name}: {len(self.trials)} trials, {best}>"

    def _findings(self) -> dict[str, Any]:
        return {
            "objective": asdict(self.objective),
            "replications": self.replications,
            "constraints": [each.text for each in self.constraints],
            **interruption(self.interrupted),
            "trials": [each.to_dict() for each in self.trials],
            "finalists": [each.to_dict() for each in self.finalists],
            "refuted": [each.to_dict() for each in self.refuted],
            "certainly_worse": list(self.worse),
            "alike": self.alike(),
        }


#: Makes the runs of each point, in order; all points have the random numbers of a replication in common.
Evaluate = Callable[[Sequence[Mapping[str, str]], range], Iterable[list[StudyRun]]]


def tune(
    scenario: Scenario,
    minimize: str,
    vary: Mapping[str, str],
    *,
    subject_to: Sequence[str] = (),
    trials: int = 40,
    replications: int = REPLICATIONS,
    confirmations: int = CONFIRMATIONS,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Tuning:
    """Search the values of keys, each within `LO:HI[:log]`, that make a statistic least under constraints.

    Optuna's tree-structured Parzen estimator proposes points, `BATCH` at a time; each is run `replications` times. The
    best are run `confirmations` times, with other random numbers than the search had, and compared pair by pair: what
    is told of them is not that they were lucky. If none of them keeps the constraints then, the next best are, up to
    `MOST_FINALISTS` in all. If the user interrupts, the best so far is returned, and
    KeyboardInterrupt raised if no trial is finished. Raises InputError for what cannot be read, or without Optuna.
    """
    objective, constraints = Objective.parse(minimize), tuple(map(Constraint.parse, subject_to))
    ranges = [Range.parse(f"{key}={values}") for key, values in vary.items()]
    if not ranges:
        raise ParameterError("vary", "give at least one KEY=LO:HI[:log]")
    for spread in ranges:
        for end in (0, 1):
            scenario.with_(**{spread.key: spread.at(end)})
    tried: list[Trial] = []
    confirmed: list[tuple[Trial, list[StudyRun]]] = []
    with (
        UntilInterrupted() as ending,
        study_pool("tuning", executor, progress) as (pool, told),
    ):

        def evaluate(points: Sequence[Mapping[str, str]], numbers: range) -> Iterator[list[StudyRun]]:
            return _runs(pool, scenario, points, numbers)

        for trial in search(evaluate, ranges, objective, constraints, trials, replications, scenario.seed, told):
            tried.append(trial)
        again = range(replications, replications + confirmations)
        for pair in _confirmed(evaluate, _best_first(tried), objective, constraints, again):
            confirmed.append(pair)
    if not tried:
        raise KeyboardInterrupt
    if ending.interrupted and not confirmed:
        found = tuple(_best_first(tried)[:1])
        worse = (False,) * len(found)
        return Tuning(
            scenario, objective, constraints, tuple(tried), found, worse, interrupted=True, replications=replications
        )
    pairs = sorted((pair for pair in confirmed if pair[0].possible), key=lambda pair: _rank(pair[0]))
    worse = tuple(_certainly_worse(runs, pairs[0][1], objective) for _, runs in pairs)
    finalists = tuple(trial for trial, _ in pairs)
    refuted = tuple(trial for trial, _ in confirmed if not trial.possible)
    return Tuning(
        scenario, objective, constraints, tuple(tried), finalists, worse, ending.interrupted, replications, refuted
    )


def _best_first(tried: Sequence[Trial]) -> list[Trial]:
    """Return the possible trials, the best first."""
    return sorted((each for each in tried if each.possible), key=_rank)


def _confirmed(
    evaluate: Evaluate,
    chosen: Sequence[Trial],
    objective: Objective,
    constraints: Sequence[Constraint],
    numbers: range,
) -> Iterator[tuple[Trial, list[StudyRun]]]:
    """Yield trials, the best first, as they are judged by other replications, with these, until one is possible."""
    candidates = chosen[:MOST_FINALISTS]
    for first in range(0, len(candidates), FINALISTS):
        some = candidates[first : first + FINALISTS]
        passed = False
        for each, runs in zip(some, evaluate([each.point for each in some], numbers), strict=True):
            again = Trial(each.number, each.point, each.positions, *_judged(runs, objective, constraints))
            passed = passed or again.possible
            yield again, runs
        if passed:
            return


def search(
    evaluate: Evaluate,
    ranges: Sequence[Range],
    objective: Objective,
    constraints: Sequence[Constraint],
    trials: int,
    replications: int,
    seed: int,
    progress: Progress = unseen,
) -> Iterator[Trial]:
    """Try so many points, each proposed from what has been found so far; the same for the same seed."""
    optuna = _optuna()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(seed=seed % 2**32, multivariate=len(ranges) > 1)
    study = optuna.create_study(sampler=sampler)
    done = 0
    while done < trials:
        asked = [study.ask() for _ in range(min(BATCH, trials - done))]
        positions = [{each.key: ask.suggest_float(each.key, 0.0, 1.0) for each in ranges} for ask in asked]
        points = [{each.key: each.at(place[each.key]) for each in ranges} for place in positions]
        made = evaluate(points, range(replications))
        for ask, point, place, runs in zip(asked, points, positions, made, strict=True):
            trial = Trial(done, point, place, *_judged(runs, objective, constraints))
            for constraint, excess in zip(constraints, trial.excess, strict=True):
                ask.set_constraint(constraint.text, excess)
            ask.set_constraint(f"{objective.metric} in every run", trial.without)
            if trial.error or trial.objective.value is None:
                study.tell(ask, state=optuna.trial.TrialState.FAIL)
            else:
                study.tell(ask, trial.objective.value)
            done += 1
            yield trial
        progress(done, trials)


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise InputError("tune: needs the package optuna; pip install 'vmfailover[studies]'") from None
    return optuna


def _runs(
    pool: Executor, scenario: Scenario, points: Sequence[Mapping[str, str]], numbers: range
) -> Iterator[list[StudyRun]]:
    """Make the replications of each point; one that cannot be is a run with an error.

    If the user interrupts, those before the first point that lacks one are yielded, and KeyboardInterrupt is raised.
    """
    tasks: list[Task] = []
    errors: dict[int, str] = {}
    for index, point in enumerate(points):
        try:
            there = scenario.with_(**point)
            tasks += [Task(str(index), replica(there, number), number) for number in numbers]
        except InputError as error:
            errors[index] = str(error).splitlines()[0]
    made: dict[str, list[StudyRun]] = {
        str(index): [StudyRun(str(index), 0, scenario.seed, {}, error=error)] for index, error in errors.items()
    }
    with UntilInterrupted():
        for run in run_all(pool, tasks):
            made.setdefault(run.label, []).append(run)
    for index in range(len(points)):
        runs = made.get(str(index), [])
        if index not in errors and len(runs) < len(numbers):
            raise KeyboardInterrupt
        yield runs


def _judged(
    runs: Sequence[StudyRun], objective: Objective, constraints: Sequence[Constraint]
) -> tuple[Estimate, tuple[float, ...], str, int, bool]:
    """Return what a `Trial` has from its objective on."""
    excess = tuple(each.excess(runs) for each in constraints)
    broken = any(run.broken for run in runs)
    return objective.of(runs), excess, next(_faults(runs), ""), objective.without(runs), broken


def _faults(runs: Sequence[StudyRun]) -> Iterator[str]:
    for run in runs:
        if run.error:
            yield run.error
        yield from (f"broken: {line}" for line in run.broken)


def _rank(trial: Trial) -> tuple[bool, float]:
    """Return what the best has least of: what is known exactly comes before what is known from below only."""
    assert trial.objective.value is not None
    return trial.objective.at_least, trial.objective.value


def _certainly_worse(runs: Sequence[StudyRun], best: Sequence[StudyRun], objective: Objective) -> bool:
    """Whether the metric is greater than the best's by more than chance explains, replication by replication."""
    pairs = zip(objective.observed(runs), objective.observed(best), strict=True)
    mean = difference_known([(one, other) for one, other in pairs if one and other])
    return mean.certain and (mean.mean or 0) > 0
