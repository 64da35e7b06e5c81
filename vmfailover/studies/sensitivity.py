"""Which keys move a metric, and how much."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vmfailover.display import Plotted
from vmfailover.errors import InputError, ParameterError
from vmfailover.results.quantities import counted
from vmfailover.scenario import Scenario
from vmfailover.studies.design import require_few
from vmfailover.studies.objective import Objective
from vmfailover.studies.progress import Progress
from vmfailover.studies.ranges import Range
from vmfailover.studies.runs import StudyRun, Task, replica, run_all
from vmfailover.studies.study import ScenarioStudy, study_pool

Method = Literal["morris", "sobol"]
#: Steps of each key's range that Morris' trajectories go. SALib's default.
LEVELS = 4
#: Makes a metric of every point, rows of positions from 0 to 1, float64[points, keys]; float64[points].
Model = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Effect:
    """How much one key moves a metric."""

    key: str
    #: Morris: the mean size of the change that a step of the key makes, in the metric's unit (mu*).
    #: Sobol: the share of the metric's variance that would go if the key were known (the total index).
    total: float
    #: Half the width of its 95 % confidence interval.
    total_half_width: float
    #: Morris: the standard deviation of those changes, great where keys act together or not in proportion (sigma).
    #: Sobol: the share of the variance by the key alone (the first index).
    alone: float

    def certain(self) -> bool:
        """Whether the confidence interval of the total leaves zero out."""
        return self.total > self.total_half_width


@dataclass(frozen=True)
class Sensitivity(ScenarioStudy, Plotted):
    """The keys, the one that moves the metric most first."""

    scenario: Scenario
    objective: Objective
    method: Method
    effects: tuple[Effect, ...]
    runs: tuple[StudyRun, ...]

    @property
    def bounded(self) -> int:
        """Runs of whose metric only a lower bound is known, in whose place it stands."""
        return sum(each is not None and not each.exact for each in self.objective.observed(self.runs))

    @property
    def consistent(self) -> bool:
        """Whether no invariant is broken in any run."""
        return not any(run.broken for run in self.runs)

    def __repr__(self) -> str:
        """Return what it is of in a line."""
        keys, runs = ", ".join(effect.key for effect in self.effects), len(self.runs)
        return f"<Sensitivity of {self.objective.metric} of {self.scenario.name} to {keys}: {runs} runs>"

    def _findings(self) -> dict[str, Any]:
        return {
            "objective": asdict(self.objective),
            "method": self.method,
            "runs": len(self.runs),
            "effects": [asdict(effect) for effect in self.effects],
        }


def sensitivity(
    scenario: Scenario,
    metric: str,
    vary: Mapping[str, str],
    *,
    method: Method = "morris",
    samples: int = 8,
    replications: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Sensitivity:
    """Rank keys, each within `LO:HI[:log]`, by how much they move a statistic of a metric.

    `morris` (Morris 1991, mu* of Campolongo 2007) needs `samples` x (keys + 1) points, `sobol` (Saltelli 2010)
    `samples` x (keys + 2), `samples` being a power of two. All points have the random numbers of a replication in
    common. Raises InputError for what cannot be read, for points that cannot be run or have a run without a value, and
    without SALib. A part of the points ranks nothing: if the user interrupts, KeyboardInterrupt is raised.
    """
    objective = Objective.parse(metric, "metric")
    ranges = [Range.parse(f"{key}={values}") for key, values in vary.items()]
    if len(ranges) < 2:
        raise ParameterError("vary", "give at least two KEY=LO:HI[:log]; there is nothing to rank")
    runs_needed(method, samples, len(ranges), replications)
    made: list[StudyRun] = []
    with study_pool("trying", executor, progress) as (pool, told):

        def model(positions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            points = [{each.key: each.at(float(at)) for each, at in zip(ranges, row, strict=True)} for row in positions]
            tasks = [
                Task(str(index), replica(scenario.with_(**point), number), number)
                for index, point in enumerate(points)
                for number in range(replications)
            ]
            made.extend(run_all(pool, tasks, told))
            grouped = (made[index * replications :][:replications] for index in range(len(points)))
            return np.array([_value(objective, runs, point) for runs, point in zip(grouped, points, strict=True)])

        effects = effects_of(model, list(vary), method, samples, scenario.seed)
    return Sensitivity(scenario, objective, method, effects, tuple(made))


def runs_needed(method: Method, samples: int, keys: int, replications: int) -> int:
    """Return the runs that so many samples of keys take; raise ParameterError if nobody makes so many."""
    require_few(samples * (keys + 2) * replications, "samples", samples)
    return samples * (keys + (1 if method == "morris" else 2)) * replications


def effects_of(model: Model, keys: Sequence[str], method: Method, samples: int, seed: int) -> tuple[Effect, ...]:
    """Return the effects of keys on a model, the greatest first; the same for the same seed."""
    if method == "sobol" and samples & (samples - 1):
        raise ParameterError("samples", f"{samples} is not a power of two, which sobol needs; write for example 64")
    _require_salib()
    problem = {"num_vars": len(keys), "names": list(keys), "bounds": [[0.0, 1.0]] * len(keys)}
    found = (_morris if method == "morris" else _sobol)(model, problem, samples, seed)
    return tuple(sorted(found, key=lambda effect: -effect.total))


def _morris(model: Model, problem: dict[str, Any], samples: int, seed: int) -> list[Effect]:
    from SALib.analyze import morris as analysis
    from SALib.sample import morris as sampling

    positions = sampling.sample(problem, samples, num_levels=LEVELS, seed=seed)
    found = analysis.analyze(problem, positions, model(positions), num_levels=LEVELS, seed=seed)
    columns = zip(problem["names"], found["mu_star"], found["mu_star_conf"], found["sigma"], strict=True)
    return [Effect(key, *map(float, numbers)) for key, *numbers in columns]


def _sobol(model: Model, problem: dict[str, Any], samples: int, seed: int) -> list[Effect]:
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol as sampling

    positions = sampling.sample(problem, samples, calc_second_order=False, seed=seed)
    values = model(positions)
    if np.ptp(values) == 0:
        return [Effect(key, 0.0, 0.0, 0.0) for key in problem["names"]]
    found = analysis.analyze(problem, values, calc_second_order=False, seed=seed)
    columns = zip(problem["names"], found["ST"], found["ST_conf"], found["S1"], strict=True)
    return [Effect(key, *map(float, numbers)) for key, *numbers in columns]


def _value(objective: Objective, runs: Sequence[StudyRun], point: Mapping[str, str]) -> float:
    value, without = objective.of(runs).value, objective.without(runs)
    if value is None or without:
        values = ", ".join(f"{key}={text}" for key, text in point.items())
        lacking = f"{without} of {counted(len(runs), 'run')} without {objective.metric}"
        error = next((run.error for run in runs if run.error), lacking)
        raise ParameterError("vary", f"at {values}: {error}; choose narrower ranges")
    return value


def _require_salib() -> None:
    try:
        import SALib  # noqa: F401
    except ImportError:
        raise InputError("sensitivity: needs the package SALib; pip install 'vmfailover[studies]'") from None
