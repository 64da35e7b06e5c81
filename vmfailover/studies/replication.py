"""One scenario again and again, with other random numbers: how far chance moves its metrics."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vmfailover.display import Plotted
from vmfailover.engine.interruption import UntilInterrupted
from vmfailover.records.metric_values import Value
from vmfailover.scenario import Scenario
from vmfailover.studies.known import Known, estimate_known, known
from vmfailover.studies.precision import Precision
from vmfailover.studies.progress import Progress
from vmfailover.studies.runs import ABOUT, MEASURED, StudyRun, Task, replica, run_all
from vmfailover.studies.statistics import CONFIDENCE, Estimate
from vmfailover.studies.study import ScenarioStudy, interruption, study_pool

if TYPE_CHECKING:
    import pandas as pd


#: Replications if neither their number nor a precision is given.
REPLICATIONS = 10
#: Runs after which, at most, a precision has to be reached.
MOST = 1000
#: Runs made before the precision is looked at for the first time, and between the times after.
LEAST = 10
BLOCK = 10


@dataclass(frozen=True)
class Replications(ScenarioStudy, Plotted):
    """The replications of one scenario."""

    scenario: Scenario
    runs: tuple[StudyRun, ...]
    #: Why there are no more of them.
    stop_reason: str
    #: Whether the user ended it early; it has then what was finished.
    interrupted: bool = False

    @property
    def consistent(self) -> bool:
        """Whether no run has failed and no invariant is broken in any."""
        return all(run.sound for run in self.runs)

    def values(self, metric: str) -> list[Value]:
        """Return a metric in each replication, None where it has no value."""
        return [run.values.get(metric) for run in self.runs]

    def numbers(self, metric: str) -> list[float]:
        """Return a metric of the replications that have it, or a lower bound of it; truth values as 1 and 0."""
        return [each.low for each in self.observed(metric)]

    def observed(self, metric: str) -> list[Known]:
        """Return what is known of a metric, in the replications in which anything is."""
        found = (known(run.values, metric) for run in self.runs)
        return [each for each in found if each is not None]

    def estimate(self, metric: str, statistic: str = "mean") -> Estimate:
        """Return a statistic of a metric over the replications that have it, with its 95 % confidence interval."""
        return estimate_known(self.observed(metric), statistic)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a run: replication, seed, error, and every metric."""
        import pandas as pd

        return pd.DataFrame([run.about() | run.values for run in self.runs], columns=[*ABOUT, *MEASURED])

    def __repr__(self) -> str:
        """Return what it is of in a line."""
        return f"<Replications of {self.scenario.name}: {len(self.runs)} runs>"

    def _findings(self) -> dict[str, Any]:
        return {
            "seeds": [run.seed for run in self.runs],
            "confidence": CONFIDENCE,
            "stop_reason": self.stop_reason,
            **interruption(self.interrupted),
            "metrics": {
                metric: {
                    "mean": self.estimate(metric).to_dict(),
                    "median": self.estimate(metric, "median").to_dict(),
                    "p99": self.estimate(metric, "p99").to_dict(),
                    "values": self.values(metric),
                }
                for metric in MEASURED
            },
            "broken_invariants": sorted({line for run in self.runs for line in run.broken}),
            "errors": [run.error for run in self.runs if run.error],
        }


def replicate(
    scenario: Scenario,
    n: int | None = None,
    *,
    until: str | Precision | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Replications:
    """Run a scenario `n` times, or until a metric is known as exactly as `until` says, `n` times at most.

    The first run is the scenario itself; the others have other seeds, and failures at a given time come up to an epoch
    later. `executor` runs them, new processes on all cores if not said. Intervals looked at again and again, until one
    is narrow enough, hold the true value a little less often than 95 times out of 100. If the user interrupts, the runs
    that are finished are returned.
    """
    precision = Precision.parse(until) if isinstance(until, str) else until
    most = n or (MOST if precision else REPLICATIONS)
    runs: list[StudyRun] = []
    reason = "interrupted"
    with (
        UntilInterrupted() as ending,
        study_pool("replicating", executor, progress) as (pool, told),
    ):
        reason = _replicate(runs, scenario, most, precision, pool, told)
    return Replications(scenario, tuple(runs), reason, ending.interrupted)


def _replicate(
    runs: list[StudyRun], scenario: Scenario, most: int, precision: Precision | None, pool: Executor, progress: Progress
) -> str:
    """Add the runs to a list as they are made; return why there are no more of them."""
    for first, last in _blocks(most if precision is None else min(LEAST, most), most):
        tasks = [Task(scenario.name, replica(scenario, number), number) for number in range(first, last)]
        for run in run_all(pool, tasks, lambda more, _, done=first: progress(done + more, most)):  # type: ignore[misc]
            runs.append(run)
        made = Replications(scenario, tuple(runs), "")
        if precision and precision.met(made.estimate(precision.metric, precision.statistic)):
            return f"{precision} was reached"
    return f"{precision} was not reached in {most} replications" if precision else f"{most} replications were asked for"


def _blocks(least: int, most: int) -> Iterator[tuple[int, int]]:
    """Yield (from, to) of the replications that are made together."""
    done = 0
    while done < most:
        last = min(most, max(least, done + BLOCK))
        yield done, last
        done = last
