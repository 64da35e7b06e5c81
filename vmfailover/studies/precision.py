"""How exactly a metric is to be known: `failover.latency_ns ±2 %`."""

import math
import re
from dataclasses import dataclass
from typing import Self

from vmfailover.errors import ParameterError
from vmfailover.scenario.expectation import limit_of, metric_name
from vmfailover.studies.statistics import Estimate, share_of

_FORM = re.compile(r"\s*(\S+?)(?:\s+(\w[\w.]*))?\s*(?:±|\+-|\+/-)\s*(\S.*?)\s*")


@dataclass(frozen=True, slots=True)
class Precision:
    """The half-width that the confidence interval of a statistic is to have at most."""

    metric: str
    statistic: str
    #: Of the value, if `relative`, or in the metric's unit.
    half_width: float
    relative: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what a text such as `client.latency_p99_ns median ±50 us` asks for; raise InputError if nothing."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise ParameterError("until", f"{text!r} is no precision; write for example 'failover.latency_ns ±2 %'")
        try:
            metric, statistic = metric_name(match[1]), match[2] or "mean"
            if statistic != "mean":
                share_of(statistic)
            relative = match[3].endswith("%")
            width = float(match[3].removesuffix("%")) / 100 if relative else limit_of(metric, match[3])
        except ValueError as error:
            raise ParameterError("until", f"{text!r}: {error}") from None
        if not 0 < width < math.inf:
            raise ParameterError("until", f"{text!r}: give a width above 0, and a finite one")
        return cls(metric, statistic, width, relative)

    def met(self, estimate: Estimate) -> bool:
        """Whether an estimate is as exact as that."""
        if estimate.half_width is None or estimate.value is None:
            return False
        return estimate.half_width <= self.half_width * (abs(estimate.value) if self.relative else 1)

    def __str__(self) -> str:
        """As a reader would write it."""
        width = f"{self.half_width * 100:g} %" if self.relative else f"{self.half_width:g}"
        return f"{self.statistic} of {self.metric} ±{width}"
