"""What is remembered of an output that has left."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Release:
    """An output that has left the primary for its client."""

    #: Guest time at which the VM produced it.
    guest_ns: int
    time_ns: int
    #: Whether the secondary, executing by itself, had produced the same output by then.
    agreed: bool = False
