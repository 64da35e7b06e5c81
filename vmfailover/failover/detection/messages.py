"""What watched and watching hosts tell each other."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """A heartbeat, or an answer: the host lives."""

    payload_bytes: int


@dataclass(frozen=True, slots=True)
class FailureReport:
    """A host reports its own failure."""

    payload_bytes: int
