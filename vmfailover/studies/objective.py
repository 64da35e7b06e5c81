"""A statistic of a metric as what a study looks at, and limits of such statistics."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from vmfailover.errors import ParameterError
from vmfailover.scenario.expectation import Expectation, metric_name
from vmfailover.studies.known import Known, estimate_known, known, known_statistic
from vmfailover.studies.runs import StudyRun
from vmfailover.studies.statistics import Estimate, share_of

_OBJECTIVE = re.compile(r"([\w.]+?)(?:\.(mean|median|min|max|p\d{1,2}(?:\.\d{1,3})?))?")
_CONSTRAINT = re.compile(rf"\s*{_OBJECTIVE.pattern}\s*((?:<=|>=|<|>)\s*\S.*?)\s*")


@dataclass(frozen=True, slots=True)
class Objective:
    """A statistic of a metric, over replications."""

    metric: str
    statistic: str

    @classmethod
    def parse(cls, text: str, field: str = "minimize") -> Self:
        """Return what METRIC or METRIC.STATISTIC, given for a parameter, says, the mean if not said.

        Raises ParameterError if it says nothing.
        """
        match = _OBJECTIVE.fullmatch(text.strip())
        try:
            if match is None:
                raise ValueError("write for example guest.slowdown or failover.latency_ns.p99")
            name = match[2] or "mean"
            if name != "mean":
                share_of(name)
            return cls(metric_name(match[1]), name)
        except ValueError as error:
            raise ParameterError(field, f"{text!r}: {error}") from None

    def of(self, runs: Sequence[StudyRun]) -> Estimate:
        """Return it for some runs: of those that have the metric, or a lower bound of it."""
        return estimate_known([each for each in self.observed(runs) if each], self.statistic)

    def without(self, runs: Sequence[StudyRun]) -> int:
        """Return how many of some runs tell nothing of it, not even a lower bound."""
        return sum(each is None for each in self.observed(runs))

    def observed(self, runs: Sequence[StudyRun]) -> list[Known | None]:
        """Return what is known of the metric in each run, truth values aside."""
        return [
            None if isinstance(run.values.get(self.metric), bool) else known(run.values, self.metric) for run in runs
        ]


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
            raise ParameterError("subject_to", f"{text!r}: {error}") from None
        return cls(text, Objective(expectation.metric, name), expectation)

    def excess(self, runs: Sequence[StudyRun]) -> float:
        """Return how far it is from holding, as a share of the limit; 0 or less if it holds.

        It is 1 if a run has no value, and above 0 where a lower bound leaves it open whether it holds.
        """
        observed = [each for each in self.objective.observed(runs) if each]
        found = known_statistic(observed, self.objective.statistic)
        if found is None or len(observed) < len(runs):
            return 1.0
        value, limit = found.low, self.expectation.limit
        beyond = value - limit if self.expectation.comparison.startswith("<") else limit - value
        excess = beyond / abs(limit) if limit else beyond
        return min(0.0, excess) if self.expectation.holds_between(found.low, found.high) else max(excess, 1e-12)
