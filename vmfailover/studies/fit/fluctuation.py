"""How much the rates of a guest fluctuate, from how far windows of its time are from one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vmfailover.studies.fit.curve import GRANULARITIES, Curve
from vmfailover.studies.fit.model import FittedSet, of_page

__all__ = ["FittedFluctuation", "fluctuation_of"]

#: Windows that it takes to tell how far they are from one another.
_FEWEST = 8
#: A smaller variation is none.
_LEAST = 0.05
#: A greater one is not possible.
_MOST = 3.0
#: Times of correlation that are tried, in a decade.
_DECADE = 20
_PAGES = GRANULARITIES.index(4096)


@dataclass(frozen=True)
class FittedFluctuation:
    """Factor of all rates, with a mean of 1."""

    #: Its standard deviation.
    variation: float
    #: Time after which its autocorrelation has fallen to 1/e, in the unit of the windows.
    correlation: float


def fluctuation_of(curve: Curve, sets: Sequence[FittedSet], stores: float, shortest: float) -> FittedFluctuation | None:
    """Return the fluctuation of the pages that windows of a curve modify, beyond what the sets' own draws make.

    `stores` are the guest's in the unit of the windows, of which those of at least `shortest` count. A factor f of all
    rates changes a dirty set in proportion to f to the power of the curve's slope there. None if there is too little
    of it, or if there are too few windows.
    """
    random = (each for each in sets if each.kind == "random")
    own = sum((each.pages * _variance(each, curve.lengths * stores) for each in random), np.zeros(curve.lengths.size))
    units, lengths = curve.units[:, _PAGES], curve.lengths.astype(float)
    known = (curve.number >= _FEWEST) & (lengths >= shortest)
    if known.sum() < 2:
        return None
    slope = np.gradient(np.log(units), np.log(lengths))
    variance = np.maximum(0, (curve.deviation[:, _PAGES] ** 2 - own)) / (units * np.maximum(slope, 0.05)) ** 2
    found = _of_means(lengths[known], variance[known])
    return found if found.variation >= _LEAST else None


def _variance(each: FittedSet, stores: NDArray[Any]) -> NDArray[np.float64]:
    """Return the variance of whether one page is modified in windows of so many stores."""
    chance = of_page(each, stores, 1.0)[:, _PAGES]
    return chance * (1 - chance)


def _of_means(lengths: NDArray[np.float64], variance: NDArray[np.float64]) -> FittedFluctuation:
    """Return the fluctuation whose means over times of these lengths have these variances, by least squares."""
    decades = np.log10(lengths[-1] / lengths[0]) + 1
    times = np.geomspace(lengths[0], lengths[-1] * 10, round(_DECADE * decades))
    shares = np.array([_share_left(lengths / time) for time in times])
    whole = np.minimum(_MOST**2, shares @ variance / (shares**2).sum(axis=1))
    errors = ((whole[:, None] * shares - variance) ** 2).sum(axis=1)
    best = int(errors.argmin())
    return FittedFluctuation(float(np.sqrt(whole[best])), float(times[best]))


def _share_left(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of the variance that means have over so many times of correlation, which falls exponentially."""
    return 2 * (lengths - 1 + np.exp(-lengths)) / lengths**2
