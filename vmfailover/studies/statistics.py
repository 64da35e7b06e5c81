"""Means and their confidence intervals."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

#: Share of the intervals that contain the true mean.
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Statistic:
    """A mean of independent observations."""

    #: None without observations.
    mean: float | None
    #: Half the width of the confidence interval; None for fewer than two observations.
    half_width: float | None
    n: int

    @property
    def certain(self) -> bool:
        """Whether the confidence interval leaves zero out."""
        return self.mean is not None and self.half_width is not None and abs(self.mean) > self.half_width

    def to_dict(self) -> dict[str, float | int | None]:
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
