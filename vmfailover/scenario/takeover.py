"""What lies between the verdict on a host and its VM on another: steps whose time is left to chance."""

from typing import Literal, Self

from pydantic import model_validator

from vmfailover.scenario.errors import Problem, require_fit
from vmfailover.scenario.record import Record, written
from vmfailover.scenario.units import Duration

#: Standard deviations above the mean within which a normal time lies, but for one chance in 10^12.
_MOST_DEVIATIONS = 7.1


class Spread(Record):
    """A time that is left to chance, anew for each takeover."""

    distribution: Literal["constant", "uniform", "normal"] = "constant"
    """How the time is distributed; a normal one is never less than 0."""
    mean: Duration = written("0 ns")
    """Mean of the distribution, in nanoseconds."""
    spread: Duration = written("0 ns")
    """How far it goes to either side of the mean, in nanoseconds: all of a uniform one, the standard deviation of a
    normal one. Not for a constant time."""

    @property
    def shortest_ns(self) -> int:
        """Time that it takes at least, but for one chance in 10^12 of a normal one: nanoseconds."""
        return max(0, 2 * self.mean - self.longest_ns)

    @property
    def longest_ns(self) -> int:
        """Time within which it is over, but for one chance in 10^12 of a normal one: nanoseconds."""
        return self.mean + round(self.spread * (_MOST_DEVIATIONS if self.distribution == "normal" else 1))

    @model_validator(mode="after")
    def _check_spread(self) -> Self:
        if self.distribution == "constant" and self.spread:
            require_fit([Problem(("spread",), "a constant time has none; write 'distribution: uniform', or normal")])
        if self.distribution == "uniform" and self.spread > self.mean:
            require_fit([Problem(("spread",), "the time would be less than 0; write at most the mean")])
        return self


class TakeoverSteps(Record):
    """Steps of a takeover beside fencing, the image and the start of the VM."""

    election: Spread = Spread()
    """From the verdict until it is settled which host takes over and fences: a leader, a coordinator, a scheduler."""
    promotion: Spread = Spread()
    """From the fence until that host begins to start the VM: an order that has to be given, a role to be changed."""
