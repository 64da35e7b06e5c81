"""What a scenario expects of a metric: `p99 < 60 ms`."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from vmfailover.records.metric_names import METRICS
from vmfailover.scenario.errors import shown, suggestion
from vmfailover.scenario.units import BANDWIDTH, DURATION, FRACTION, SIZE, Measure

_HOLDS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}

_FORM = re.compile(r"\s*(?:(mean|median|min|max|p\d{1,2}(?:\.\d{1,3})?)\s*)?(<=|>=|==|!=|<|>)\s*(\S.*?)\s*", re.ASCII)
_MEASURES = {"_ns": DURATION, "_bps": BANDWIDTH, "replication.bytes": SIZE}
_TRUTH = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class Expectation:
    """`statistic` of `metric`, over replications, stands in `comparison` to `limit` (in the metric's unit).

    The statistic is `mean`, `median`, `min`, `max` or a percentile such as `p99`; without one it is `None`, and every
    replication has to comply. Truth values are 1 and 0.
    """

    metric: str
    statistic: str | None
    comparison: str
    limit: float

    @classmethod
    def parse(cls, metric: str, text: str) -> Self:
        """Return the expectation `text` of `metric`, whose `_ns` may be left out; raise ValueError if it is none."""
        name = metric_name(metric)
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError(f"{shown(text)} is not an expectation; write for example 'p99 < 60 ms' or '== 0'")
        return cls(name, match[1], match[2], limit_of(name, match[3]))

    def holds(self, value: float) -> bool:
        """Whether a value of the statistic, in the metric's unit, is as expected."""
        return _HOLDS[self.comparison](value, self.limit)

    def holds_between(self, low: float, high: float) -> bool:
        """Whether every value from `low` to `high` is as expected."""
        if self.comparison == "!=":
            return not low <= self.limit <= high
        return self.holds(low) and self.holds(high)

    def can_hold(self, low: float, high: float) -> bool:
        """Whether some value from `low` to `high` is as expected."""
        if self.comparison == "==":
            return low <= self.limit <= high
        return self.holds(low) or self.holds(high)


def metric_name(name: str) -> str:
    """Return the full name of a metric; raise ValueError if there is no such metric."""
    for candidate in (name, f"{name}_ns", f"{name}_bps"):
        if candidate in METRICS:
            return candidate
    raise ValueError(f"unknown metric; {suggestion(name, METRICS)}")


def limit_of(metric: str, text: str) -> float:
    """Return a quantity of a metric in that metric's unit; raise ValueError if it is none."""
    measure = next((measure for end, measure in _MEASURES.items() if metric.endswith(end)), None)
    return _number(text) if measure is None else _quantity(measure, text)


def _quantity(measure: Measure, text: str) -> float:
    return 0.0 if text == "0" else float(measure.read(text))


def _number(text: str) -> float:
    if text in _TRUTH:
        return _TRUTH[text]
    try:
        return float(FRACTION.read(text)) if text.endswith("%") else _finite(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is not a number; write for example 0, 0.03 or 3 %") from None


def _finite(text: str) -> float:
    number = float(text)
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError("not finite")
    return number
