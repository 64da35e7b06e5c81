"""How a failure is noticed."""

from typing import Annotated, Literal

from vmfailover.scenario.record import Record, written
from vmfailover.scenario.units import AboveZero, Duration, Size


class Detection(Record):
    """How the secondary learns that the primary is gone."""

    kind: Literal["heartbeat"] = "heartbeat"
    """The primary reports at intervals; silence is a failure."""
    interval: Annotated[Duration, AboveZero] = written("10 ms")
    """Time between two heartbeats, in nanoseconds. Assumed."""
    timeout: Annotated[Duration, AboveZero] = written("30 ms")
    """Silence after which the primary is taken for dead, in nanoseconds. Assumed: three heartbeats."""
    message: Annotated[Size, AboveZero] = written("64 B")
    """Bytes of a heartbeat. Assumed."""
