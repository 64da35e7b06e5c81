"""A statistic of a metric as what a study looks at, and limits of such statistics."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from vmfailover.errors import InputError
from vmfailover.scenario.expectation import Expectation, metric_name
from vmfailover.studies.runs import StudyRun, number_of
from vmfailover.studies.statistics import Estimate, estimate, share_of

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
