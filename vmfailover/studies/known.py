"""What is known of a metric: its value or, where a run ended too early to see it, a lower bound of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from vmfailover.records.metric_names import bound_name
from vmfailover.records.metric_values import Value
from vmfailover.studies.statistics import Estimate, Statistic, estimate, statistic


@dataclass(frozen=True, slots=True)
class Known:
    """A quantity lies from `low` to `high`: both are its value, or `high` is infinite and `low` a lower bound."""

    low: float
    high: float

    @property
    def exact(self) -> bool:
        """Whether it is a value, and not only a bound."""
        return self.low == self.high


def known(values: Mapping[str, Value], metric: str) -> Known | None:
    """Return what some values tell of a metric, None if neither the metric nor its bound has one.

    Truth values count as 1 and 0.
    """
    value, bound = values.get(metric), values.get(bound_name(metric))
    if bound is not None:
        return Known(float(bound), inf)
    return None if value is None else Known(float(value), float(value))


def known_statistic(observed: Sequence[Known], name: str) -> Known | None:
    """Return what is known of a statistic of observations, None without any.

    No statistic becomes smaller if an observation grows, so that its least and its greatest value are those of the
    lower and of the upper ends. Raises ValueError for an unknown statistic.
    """
    if not observed:
        return None
    low, high = (estimate([getattr(each, end) for each in observed], name).value for end in ("low", "high"))
    assert low is not None
    assert high is not None
    return Known(low, high)


def estimate_known(observed: Sequence[Known], name: str = "mean") -> Estimate:
    """Return a statistic of observations as `estimate` does; one that lower bounds reach is a lower bound itself."""
    found, between = estimate([each.low for each in observed], name), known_statistic(observed, name)
    return found if between is None or between.exact else replace(found, high=None, at_least=True)


def statistic_known(observed: Sequence[Known]) -> Statistic:
    """Return the mean of observations as `statistic` does; of lower bounds it is a lower bound itself."""
    found = statistic([each.low for each in observed])
    return found if all(each.exact for each in observed) else replace(found, half_width=None, at_least=True)


def difference_known(pairs: Sequence[tuple[Known, Known]]) -> Statistic:
    """Return the mean of what the first of each pair is more than the second.

    It is a lower bound if the first is one in any; where the second is, nothing is known of the difference.
    """
    if not all(second.exact for _, second in pairs):
        return Statistic(None, None, 0)
    return statistic_known([Known(first.low - second.low, first.high - second.low) for first, second in pairs])
