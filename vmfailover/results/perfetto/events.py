"""What a trace is made of, and how each part of it is written as trace events."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

#: More to say about a part of a trace, by name.
Details = Mapping[str, int | float | str | bool]


@dataclass(frozen=True, slots=True)
class Track:
    """Where something is shown: a thread of a process, or the process itself if the thread has no name."""

    process: str
    thread: str = ""


#: Returns the keys by which an event belongs to a track, `pid` and, for a thread, `tid`.
Address = Callable[[Track], dict[str, Any]]
#: An event with its place in a trace: its instant, nanoseconds, and its rank among those of the instant.
Placed = tuple[int, int, dict[str, Any]]
#: The rank of what belongs to a slice and has to follow it; a slice precedes those within it by its length.
_AFTER_SLICES = 1


@dataclass(frozen=True, slots=True)
class Slice:
    """Something that lasts; on a track, of two slices one contains the other or they have no time in common."""

    track: Track
    name: str
    began_ns: int
    ended_ns: int
    details: Details = field(default_factory=dict)

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Where it is shown."""
        return (self.track,)

    def placed(self, address: Address) -> Iterator[Placed]:
        """Yield a complete event."""
        length_ns = self.ended_ns - self.began_ns
        event = _event("X", self.name, self.began_ns, address(self.track))
        yield self.began_ns, -length_ns, {**event, "dur": microseconds(length_ns), "args": dict(self.details)}


@dataclass(frozen=True, slots=True)
class Instant:
    """Something that happens at once."""

    track: Track
    name: str
    at_ns: int
    details: Details = field(default_factory=dict)

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Where it is shown."""
        return (self.track,)

    def placed(self, address: Address) -> Iterator[Placed]:
        """Yield an instant event of the thread."""
        event = _event("i", self.name, self.at_ns, address(self.track))
        yield self.at_ns, _AFTER_SLICES, {**event, "s": "t", "args": dict(self.details)}


@dataclass(frozen=True, slots=True)
class Count:
    """The value of a counter of a process from an instant on."""

    process: str
    name: str
    unit: str
    at_ns: int
    value: int | float

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Where it is shown."""
        return (Track(self.process),)

    def placed(self, address: Address) -> Iterator[Placed]:
        """Yield a counter event."""
        event = _event("C", self.name, self.at_ns, address(Track(self.process)))
        yield self.at_ns, _AFTER_SLICES, {**event, "args": {self.unit: self.value}}


@dataclass(frozen=True, slots=True)
class Overlapping:
    """Something that lasts and may overlap with others of its name, from which its number tells it."""

    track: Track
    name: str
    number: int
    began_ns: int
    ended_ns: int
    details: Details = field(default_factory=dict)

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Where it is shown."""
        return (self.track,)

    def placed(self, address: Address) -> Iterator[Placed]:
        """Yield the begin and the end of an asynchronous event."""
        for phase, at_ns, details in (("b", self.began_ns, dict(self.details)), ("e", self.ended_ns, {})):
            event = _event(phase, self.name, at_ns, address(self.track))
            yield at_ns, _AFTER_SLICES, {**event, "id": self.number, "args": details}


@dataclass(frozen=True, slots=True)
class Arrow:
    """What leads from one slice to another, by their beginnings; a number tells it from others of its name."""

    name: str
    number: int
    origin: Slice
    destination: Slice

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Where its ends are."""
        return self.origin.track, self.destination.track

    def placed(self, address: Address) -> Iterator[Placed]:
        """Yield the start and the finish of a flow."""
        for phase, end in (("s", self.origin), ("f", self.destination)):
            event = _event(phase, self.name, end.began_ns, address(end.track)) | {"id": self.number}
            yield end.began_ns, _AFTER_SLICES, event if phase == "s" else {**event, "bp": "e"}


Part = Slice | Instant | Count | Overlapping | Arrow


def microseconds(time_ns: int) -> float:
    """Return nanoseconds as microseconds that are the same again for a reader who rounds and for one who cuts off."""
    nearest = time_ns / 1000
    return nearest if int(nearest * 1000) == time_ns else math.nextafter(nearest, math.inf)


def _event(phase: str, name: str, at_ns: int, address: dict[str, Any]) -> dict[str, Any]:
    return {"ph": phase, "name": name, "cat": "vmfailover", "ts": microseconds(at_ns), **address}
