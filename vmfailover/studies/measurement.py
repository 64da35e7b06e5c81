"""Taking the time of something several times."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

__all__ = ["Benchmark", "Measurement", "Sample"]


@dataclass(frozen=True, slots=True)
class Sample:
    """How long something took once, and how much it did."""

    seconds: float
    #: Records of accesses dealt with, and the accesses they stand for; None where that means nothing.
    records: int | None = None
    accesses: int | None = None
    #: Seconds spent in its parts, by name; the rest is in none of them.
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measurement:
    """The samples of something, at least one."""

    name: str
    samples: tuple[Sample, ...]

    @property
    def best(self) -> Sample:
        """The fastest sample: what else ran on the machine only ever adds time."""
        return min(self.samples, key=lambda sample: sample.seconds)

    @property
    def median_seconds(self) -> float:
        """The median time of all samples."""
        return median(sample.seconds for sample in self.samples)

    @property
    def records_per_second(self) -> float | None:
        """Records per second of the fastest sample."""
        return _rate(self.best.records, self.best.seconds)

    @property
    def accesses_per_second(self) -> float | None:
        """Accesses per second of the fastest sample."""
        return _rate(self.best.accesses, self.best.seconds)

    @property
    def shares(self) -> dict[str, float]:
        """The share of the fastest sample's time that each part took."""
        return {name: seconds / self.best.seconds for name, seconds in self.best.parts.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return all that there is to say, for JSON."""
        return {
            "name": self.name,
            "seconds_min": self.best.seconds,
            "seconds_median": self.median_seconds,
            "seconds": [sample.seconds for sample in self.samples],
            "records": self.best.records,
            "accesses": self.best.accesses,
            "records_per_second": self.records_per_second,
            "accesses_per_second": self.accesses_per_second,
            "shares": self.shares,
        }


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Something whose time can be taken."""

    name: str
    #: Does it once.
    sample: Callable[[], Sample]

    def measure(self, repeat: int) -> Measurement:
        """Take `repeat` samples, at least one, after one that only warms up: compiles, and fills caches."""
        self.sample()
        return Measurement(self.name, tuple(self.sample() for _ in range(repeat)))


def _rate(number: int | None, seconds: float) -> float | None:
    return None if number is None else number / seconds
