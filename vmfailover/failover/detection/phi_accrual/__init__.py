"""Phi accrual (Hayashibara et al., SRDS 2004): settings."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from vmfailover.scenario.detection import Detection, Stage
from vmfailover.scenario.record import Count, Number, Record, written
from vmfailover.scenario.units import Duration


class PhiAccrual(Record):
    """Suspicion from the distribution of the heartbeats' arrivals: phi-accrual (Hayashibara et al., SRDS 2004)."""

    threshold: Annotated[Number, Field(gt=0, le=300)] = 8.0
    """Suspicion at which the host is taken for dead: minus the logarithm of the chance that it lives. Akka: 8."""
    window: Annotated[Count, Field(ge=2)] = 200
    """Times between arrivals that the distribution is estimated from, the latest ones. Akka (max-sample-size)."""
    least_deviation: Duration = written("1 ms")
    """Standard deviation that is assumed at least, in nanoseconds, lest a regular sender be suspected at once.
    Assumed."""
    pause: Duration = written("0 ns")
    """Silence that is forgiven on top of the estimate, in nanoseconds. Akka (acceptable-heartbeat-pause)."""


class PhiAccrualSettings(Detection):
    """Silence that has become too unlikely is a failure."""

    code: ClassVar[str] = f"{__name__}.detector:PhiAccrualDetector"
    unused: ClassVar[frozenset[str]] = frozenset({"timeout"})

    phi: PhiAccrual = PhiAccrual()
    """Of phi-accrual."""

    def own_stages(self) -> Iterator[Stage]:
        """Yield the silence."""
        deviation = max(self.interval // 4, self.phi.least_deviation)
        longest_ns = self.interval + round(2 * self.phi.threshold) * deviation + self.phi.pause
        yield Stage("silence", longest_ns, "or sooner, by what has been heard", 0)

    @property
    def between_signs_ns(self) -> int:
        """One heartbeat follows the other."""
        return self.interval
