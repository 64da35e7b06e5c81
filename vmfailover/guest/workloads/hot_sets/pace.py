"""How the rates of all hot sets change together in the course of guest time."""

from __future__ import annotations

from math import cos, exp, log, log1p, pi, sqrt
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vmfailover.engine.compilation import compiled
from vmfailover.guest.workloads.hot_sets import Fluctuation
from vmfailover.guest.workloads.hot_sets.poisson import uniform

__all__ = ["UNIT", "Fluctuating", "Pace", "Span", "Spans", "Steady", "pace_of"]

#: The factor 1: factors are whole numbers, so that their sums are exact and the same in whatever order.
UNIT = 1 << 20
#: Steps in which the rates are kept as they are, within the time of the correlation.
_STEPS = 16
#: Steps that are computed at once.
_BLOCK = 4096
#: The logarithm is cut at so many standard deviations.
_MOST_DEVIATIONS = 6.0


class Span(NamedTuple):
    """What a tick's rates are multiplied by, in units of `UNIT`."""

    #: The sum of the factors of all ticks before.
    before: int
    #: The factor of the tick.
    factor: int


class Spans(NamedTuple):
    """What is said in `Span`, of ticks that follow each other: int64[ticks] each."""

    before: NDArray[np.int64]
    factor: NDArray[np.int64]


class Pace(Protocol):
    """Factors of the rates."""

    #: The largest factor that a tick can have, 1.0 being the mean.
    most: float

    def at(self, tick: int) -> Span:
        """The factor of a tick, whatever was asked before."""

    def spans(self, first: int, ticks: int) -> Spans:
        """The factors of so many ticks from `first` on."""


class Steady:
    """Rates that do not change."""

    most = 1.0

    def at(self, tick: int) -> Span:
        """See Pace."""
        return Span(tick * UNIT, UNIT)

    def spans(self, first: int, ticks: int) -> Spans:
        """See Pace."""
        return Spans(np.arange(first, first + ticks) * UNIT, np.full(ticks, UNIT))


class Fluctuating:
    """Log-normal factors with a mean of 1: an autoregressive process of the first order in steps of some ticks.

    It is computed by blocks, each from where the one before ended, however far the tick that is asked for.
    """

    def __init__(self, spec: Fluctuation, tick_ns: int, key: np.uint64) -> None:
        """Draw from the random numbers of a key."""
        self._key = key
        self._ticks = max(1, spec.correlation // (_STEPS * tick_ns))
        self._persistence = exp(-self._ticks * tick_ns / spec.correlation)
        self._deviation = sqrt(log1p(spec.variation**2))
        self.most = exp(_MOST_DEVIATIONS * self._deviation - self._deviation**2 / 2)
        #: For each block the state of the process, and the sum of the factors of all ticks, before it.
        self._starts = [(_normal(key, np.uint64(0)), 0)]
        self._block, self._factors, self._before = -1, np.empty(0, np.int64), np.empty(0, np.int64)

    def at(self, tick: int) -> Span:
        """See Pace."""
        step, within = divmod(tick, self._ticks)
        block, place = divmod(step, _BLOCK)
        self._go_to(block)
        factor = int(self._factors[place])
        return Span(int(self._before[place]) + within * factor, factor)

    def spans(self, first: int, ticks: int) -> Spans:
        """See Pace."""
        steps, within = np.divmod(np.arange(first, first + ticks), self._ticks)
        blocks, places = np.divmod(steps, _BLOCK)
        before, factor = np.empty((2, ticks), np.int64)
        for block in range(int(blocks[0]), int(blocks[-1]) + 1):
            here = blocks == block
            self._go_to(block)
            factor[here] = self._factors[places[here]]
            before[here] = self._before[places[here]] + within[here] * factor[here]
        return Spans(before, factor)

    def _go_to(self, block: int) -> None:
        if block == self._block:
            return
        for each in range(min(block, len(self._starts) - 1), block + 1):
            self._compute(each)

    def _compute(self, block: int) -> None:
        state, before = self._starts[block]
        factors = np.empty(_BLOCK, np.int64)
        first = np.uint64(block * _BLOCK + 1)
        state = _fill_factors(factors, state, first, self._key, self._persistence, self._deviation)
        sums = before + np.cumsum(factors) * self._ticks
        self._block, self._factors, self._before = block, factors, sums - factors * self._ticks
        if block + 1 == len(self._starts):
            self._starts.append((state, int(sums[-1])))


def pace_of(spec: Fluctuation | None, tick_ns: int, key: np.uint64) -> Pace:
    """How the rates change for a workload's `fluctuation`."""
    return Steady() if spec is None else Fluctuating(spec, tick_ns, key)


@compiled
def _normal(key: np.uint64, counter: np.uint64) -> float:
    """A number with the standard normal law, by the transformation of Box and Muller."""
    even = counter * np.uint64(2)
    return sqrt(-2 * log(uniform(key, even))) * cos(2 * pi * uniform(key, even + np.uint64(1)))


@compiled
def _fill_factors(
    factors: NDArray[np.int64], state: float, first: np.uint64, key: np.uint64, persistence: float, deviation: float
) -> float:
    """Sets the factors of steps from the state before them, `first` being their number; returns the last state."""
    fresh = sqrt(1 - persistence * persistence)
    for index in range(len(factors)):
        state = persistence * state + fresh * _normal(key, first + np.uint64(index))
        exponent = deviation * min(state, _MOST_DEVIATIONS) - deviation * deviation / 2
        factors[index] = round(exp(exponent) * UNIT)
    return state
