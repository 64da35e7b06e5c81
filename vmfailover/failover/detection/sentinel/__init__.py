"""Sentinels, as Redis has them: settings."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from vmfailover.scenario.detection import Detection, Stage
from vmfailover.scenario.errors import Problem, require_fit
from vmfailover.scenario.record import Count, Record, written
from vmfailover.scenario.units import DURATION, AboveZero, Duration


class Sentinel(Record):
    """Sentinels that watch a server and have to agree that it is down: Redis 7.0 (src/sentinel.c)."""

    members: Annotated[Count, Field(le=1000)] = 3
    """Sentinels; they are well, and reach every host over networks of their own."""
    quorum: Annotated[Count, Field(le=1000)] = 2
    """Sentinels that have to find the host down before it is declared so. sentinel.conf: quorum."""
    down_after: Annotated[Duration, AboveZero] = written("30 s")
    """Time without an answer to a ping after which a sentinel finds the host down, in nanoseconds. sentinel.conf:
    down-after-milliseconds."""
    ping: Annotated[Duration, AboveZero] = written("1 s")
    """Time from an answer to the next ping, in nanoseconds; `down_after` if that is shorter. SENTINEL_PING_PERIOD."""
    least_tick: Annotated[Duration, AboveZero] = written("50 ms")
    """Shortest time from one look of a sentinel at its timers to its next, in nanoseconds. CONFIG_DEFAULT_HZ, to which
    each sentinel adds up to as much anew at each look, lest they all look at once."""
    most_tick: Annotated[Duration, AboveZero] = written("100 ms")
    """Longest time from one look to the next, in nanoseconds."""

    @property
    def ping_ns(self) -> int:
        """Time from an answer to the next ping."""
        return min(self.ping, self.down_after)

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        if self.quorum > self.members:
            require_fit([Problem(("quorum",), f"there are {self.members} sentinels; write at most as many")])
        if self.least_tick > self.most_tick:
            require_fit([Problem(("least_tick",), "more than most_tick; write at most as much")])
        return self


class SentinelSettings(Detection):
    """Sentinels ping the host, and agree that it is down."""

    code: ClassVar[str] = f"{__name__}.detector:SentinelDetector"
    unused: ClassVar[frozenset[str]] = frozenset({"interval", "timeout", "message"})

    sentinel: Sentinel = Sentinel()
    """Of sentinel."""

    def own_stages(self) -> Iterator[Stage]:
        """Yield the silence of one sentinel, and the agreement of others."""
        down_after, tick = self.sentinel.down_after, self.sentinel.most_tick
        looks = f"{DURATION.format(down_after)}, and the looks at which a ping leaves and is found unanswered"
        yield Stage("down-after", down_after + 2 * tick, looks, down_after - self.sentinel.ping_ns)
        yield Stage("agreement", tick, "the next look of the sentinel that completes the quorum", 0)

    @property
    def between_signs_ns(self) -> int:
        """One ping follows the other."""
        return self.sentinel.ping_ns
