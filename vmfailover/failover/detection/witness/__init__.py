"""Heartbeats on two ways: settings."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from vmfailover.failover.detection.heartbeat import HeartbeatSettings
from vmfailover.scenario.detection import Stage
from vmfailover.scenario.record import Record, written
from vmfailover.scenario.units import AboveZero, Duration


class Witness(Record):
    """Heartbeats on a way of their own, as over shared storage: they tell a dead host from a dead network."""

    interval: Annotated[Duration, AboveZero] = written("10 ms")
    """Time between two heartbeats on that way, in nanoseconds. Assumed."""
    timeout: Annotated[Duration, AboveZero] = written("30 ms")
    """Silence on both ways after which the host is taken for dead, in nanoseconds. Assumed."""


class WitnessSettings(HeartbeatSettings):
    """Heartbeats, on the link and on a way of their own."""

    code: ClassVar[str] = f"{__name__}.detector:WitnessDetector"

    witness: Witness = Witness()
    """Of witness."""

    def own_stages(self) -> Iterator[Stage]:
        """Yield the silence on the link, and what is left of that on the other way."""
        yield from super().own_stages()
        longer_ns = max(0, self.witness.timeout - self.timeout)
        yield Stage("witness", longer_ns, "until it has been silent as long", 0)
