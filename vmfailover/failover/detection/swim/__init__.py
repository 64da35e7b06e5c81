"""SWIM (Das, Gupta, Motivala, DSN 2002): settings."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from pydantic import Field

from vmfailover.scenario.detection import Detection, Stage, most_rounds
from vmfailover.scenario.record import Count, Number, Record, written
from vmfailover.scenario.units import DURATION, AboveZero, Duration


class Swim(Record):
    """Random probes of one member by another (Das, Gupta, Motivala, DSN 2002)."""

    members: Annotated[Count, Field(ge=2, le=10**5)] = 10
    """Members of the cluster: the two hosts, and others that are well. Assumed."""
    period: Annotated[Duration, AboveZero] = written("1 s")
    """Protocol period, in which each member probes one other, in nanoseconds. memberlist (ProbeInterval)."""
    probe_timeout: Annotated[Duration, AboveZero] = written("100 ms")
    """Time until a probe without an answer is repeated through others, and until that has failed too, in nanoseconds.
    Assumed: a tenth of the period."""
    indirect: Annotated[Number, Field(ge=0)] = 3.0
    """Members that a probe is repeated through, k. memberlist (IndirectChecks)."""
    suspicion: Duration = written("0 ns")
    """Time for a suspected member to refute, which it does if it hears of it, in nanoseconds."""
    dissemination: Duration = written("0 ns")
    """Time until the news has reached the other host from the member that found out, in nanoseconds."""

    @property
    def unprobed(self) -> float:
        """Chance that no member probes a certain one in a period."""
        others = self.members - 1
        return (1 - 1 / others) ** others


class SwimSettings(Detection):
    """Members probe each other at random."""

    code: ClassVar[str] = f"{__name__}.detector:SwimDetector"
    unused: ClassVar[frozenset[str]] = frozenset({"interval", "timeout"})

    swim: Swim = Swim()
    """Of swim."""

    def own_stages(self) -> Iterator[Stage]:
        """Yield the probes, and what becomes of a suspicion."""
        timeout = DURATION.format(self.swim.probe_timeout)
        arithmetic = f"directly and through others, {timeout} each; one comes in a period"
        yield Stage("probe", 2 * self.swim.probe_timeout, arithmetic, self.swim.probe_timeout)
        yield Stage("suspicion", self.swim.suspicion)
        yield Stage("dissemination", self.swim.dissemination, "unless the other host finds out itself", 0)

    @property
    def bad_luck_ns(self) -> int:
        """Periods without a probe of the host."""
        return 10 * self.swim.period

    @property
    def worst_luck_ns(self) -> int:
        """Periods without a probe of the host."""
        return most_rounds(self.swim.unprobed) * self.swim.period
