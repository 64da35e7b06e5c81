"""Means, quantiles and their confidence intervals."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

#: Share of the intervals that contain the true value.
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Statistic:
    """A mean of independent observations."""

    #: None without observations.
    mean: float | None
    #: Half the width of the confidence interval; None for fewer than two observations.
    half_width: float | None
    n: int
    #: Whether the mean is a lower bound, since observations are.
    at_least: bool = False

    @property
    def certain(self) -> bool:
        """Whether the confidence interval leaves zero out."""
        return self.mean is not None and self.half_width is not None and abs(self.mean) > self.half_width

    def to_dict(self) -> dict[str, float | int | bool | None]:
        """Return the fields by their names."""
        return asdict(self)


def statistic(values: Sequence[float]) -> Statistic:
    """Return the mean of observations with its 95 % confidence interval, by Student's t."""
    if not values:
        return Statistic(None, None, 0)
    mean = sum(values) / len(values)
    if len(values) == 1:
        return Statistic(mean, None, 1)
    from scipy import stats

    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    return Statistic(mean, quantile * float((variance / len(values)) ** 0.5), len(values))


@dataclass(frozen=True, slots=True)
class Estimate:
    """A statistic of independent observations, and what the true one lies between with 95 % confidence."""

    #: `mean`, `median`, `min`, `max` or a percentile such as `p99`.
    statistic: str
    #: None without observations.
    value: float | None
    #: None where too few observations, or an extreme, allow no bound.
    low: float | None
    high: float | None
    n: int
    #: Whether the value is a lower bound, since observations are.
    at_least: bool = False

    @property
    def half_width(self) -> float | None:
        """The larger distance from the value to a bound; None without both bounds."""
        if self.value is None or self.low is None or self.high is None:
            return None
        return max(self.high - self.value, self.value - self.low)

    def to_dict(self) -> dict[str, float | int | str | bool | None]:
        """Return the fields by their names."""
        return asdict(self)


def estimate(values: Sequence[float], name: str = "mean") -> Estimate:
    """Return a statistic of observations.

    The interval of a mean is Student's, that of a quantile lies between two observations, of ranks such that the
    quantile is between them whatever the distribution (order statistics; Conover, Practical Nonparametric Statistics,
    section 3.2). Raises ValueError for an unknown statistic.
    """
    if name == "mean":
        mean = statistic(values)
        if mean.mean is None or mean.half_width is None:
            return Estimate(name, mean.mean, None, None, mean.n)
        return Estimate(name, mean.mean, mean.mean - mean.half_width, mean.mean + mean.half_width, mean.n)
    share = share_of(name)
    if not values:
        return Estimate(name, None, None, None, 0)
    ordered = np.sort(np.asarray(values, float))
    value = float(np.quantile(ordered, share, method="inverted_cdf"))
    low, high = (None if rank is None else float(ordered[rank]) for rank in _ranks(ordered.size, share))
    return Estimate(name, value, low, high, ordered.size)


def share_of(name: str) -> float:
    """Return the share of observations that a quantile is not below; raise ValueError if it is none."""
    named = {"min": 0.0, "median": 0.5, "max": 1.0}
    if name in named:
        return named[name]
    if not name.startswith("p"):
        raise ValueError(f"{name!r} is no statistic; write mean, median, min, max or a percentile such as p99")
    return float(name[1:]) / 100


def _ranks(n: int, share: float) -> tuple[int | None, int | None]:
    """Return the ranks, from 0, of the observations between which a quantile is; None where there is no such."""
    if share in (0.0, 1.0):
        return None, None
    from scipy import stats

    tail = (1 - CONFIDENCE) / 2
    low = int(stats.binom.ppf(tail, n, share)) - 1
    high = int(stats.binom.ppf(1 - tail, n, share))
    return (low if low >= 0 else None), (high if high < n else None)
