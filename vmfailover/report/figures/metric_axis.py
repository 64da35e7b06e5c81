"""Metrics on axes: what they are called, and the unit in which their values are short."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite, log10
from typing import Literal, Self

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter

from vmfailover.errors import InputError
from vmfailover.results.quantities import BIT_RATES, BYTES, DURATIONS, three_digits
from vmfailover.scenario.expectation import metric_name

#: Times as long as the shortest of some values from which on a logarithmic scale shows more.
WIDE = 30
#: Where in a decade of a logarithmic scale are ticks, and decades from which on they are only between decades.
SUBDIVISION = (1.0, 2.0, 5.0)
_MANY_DECADES = 3
_UNITS = (("_ns", DURATIONS), ("_bps", BIT_RATES), ("bytes", BYTES))
#: Metrics whose names say too little by themselves.
_IN_WORDS = {"loss.work_ns": "work lost", "loss.outputs": "outputs lost"}
_SHARES = ("guest.slowdown", "log.peak_fill", "image.consistent")


@dataclass(frozen=True, slots=True)
class MetricAxis:
    """A metric in the unit of an axis."""

    metric: str
    unit: str
    #: Of that unit in one of the metric's own.
    per_base: float

    @classmethod
    def of(cls, metric: str, values: Iterable[float | None]) -> Self:
        """Return a metric, given by its full name, in the unit in which the greatest of some values is short."""
        greatest = max((abs(value) for value in values if value is not None and isfinite(value)), default=0.0)
        for end, units in _UNITS:
            if metric.endswith(end):
                size, unit = next((pair for pair in units if greatest >= pair[0]), units[-1])
                return cls(metric, unit.strip(), 1 / size)
        if metric in _SHARES or metric.endswith("_fraction"):
            return cls(metric, "%", 100.0)
        return cls(metric, "×" if metric.endswith("amplification") else "number", 1.0)

    @property
    def name(self) -> str:
        """The metric in words, such as `failover latency`."""
        return in_words(self.metric)

    @property
    def label(self) -> str:
        """The metric in words, and the unit."""
        return f"{self.name} ({self.unit})"

    def written(self, value: float) -> str:
        """Return a value in base units as a number of the axis' unit, with three digits."""
        return three_digits(value * self.per_base)


def known_metric(name: str) -> str:
    """Return the full name of a metric, of which `_ns` may be left out; raise InputError if there is none."""
    try:
        return metric_name(name)
    except ValueError as error:
        raise InputError(f"{name}: {error}") from None


def in_words(metric: str) -> str:
    """Return the name of a metric without its unit, such as `failover latency`."""
    bare = metric.removesuffix("_ns").removesuffix("_bps")
    return _IN_WORDS.get(metric, bare.removeprefix("loss.").replace(".", " ").replace("_", " "))


def go_logarithmic(axes: Axes, which: Literal["x", "y"]) -> None:
    """Give one axis a logarithmic scale, with ticks that are plain numbers."""
    axes.set(**{f"{which}scale": "log"})
    axis = axes.xaxis if which == "x" else axes.yaxis
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=SUBDIVISION if log10(high / low) < _MANY_DECADES else (1.0,)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def is_wide(values: Iterable[float]) -> bool:
    """Whether values, all above zero, are so far apart that a logarithmic scale shows more of them."""
    found = [value for value in values if isfinite(value)]
    return bool(found) and min(found) > 0 and max(found) > WIDE * min(found)
