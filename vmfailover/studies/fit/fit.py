"""Hot sets that modify memory as a guest does of which there is a trace, or a dirty rate or two."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vmfailover.display import Plotted
from vmfailover.studies.fit.profile import write_profile

__all__ = ["ACCEPTABLE", "Fit", "Point"]

#: A greater error, in any window, is not accepted unless the user does.
ACCEPTABLE = 0.10


@dataclass(frozen=True, slots=True)
class Point:
    """The dirty set of windows of one length, in units of one size."""

    #: Bytes of a unit.
    granularity: int
    #: Stores of the window; None where only its time is known.
    stores: int | None
    #: Time of the window, nanoseconds.
    window_ns: float
    #: Mean distinct units stored to, of the guest.
    recorded: float
    #: The same of the fitted sets.
    fitted: float
    #: fitted / recorded - 1.
    error: float

    @classmethod
    def of(cls, granularity: int, stores: int | None, window_ns: float, recorded: float, fitted: float) -> Point:
        """Return the point with its error."""
        return cls(granularity, stores, float(window_ns), float(recorded), float(fitted), float(fitted / recorded - 1))


@dataclass(frozen=True)
class Fit(Plotted):
    """A workload, and how well it does."""

    #: What it is fitted to, such as the name of a trace.
    source: str
    #: The plain data of the workload: what `write` writes.
    workload: Mapping[str, Any]
    #: By granularity and window, the shortest first.
    points: tuple[Point, ...]
    #: What has been assumed, and what the fit does not tell, a sentence each.
    notes: tuple[str, ...] = ()

    @property
    def worst(self) -> Point:
        """The point with the greatest error."""
        return max(self.points, key=lambda point: abs(point.error))

    @property
    def good(self) -> bool:
        """Whether no error is greater than `ACCEPTABLE`."""
        return abs(self.worst.error) <= ACCEPTABLE

    def write(self, path: Path | str) -> None:
        """Write the workload as a file, which `workload: {from: FILE}` reads; raise OSError if it cannot be."""
        write_profile(self.workload, Path(path))

    def to_list(self) -> list[dict[str, Any]]:
        """Return what `--json` prints: the fields of each point by name."""
        return [asdict(point) for point in self.points]

    def to_json(self) -> str:
        """Return `to_list` as indented JSON text."""
        return json.dumps(self.to_list(), indent=2, allow_nan=False)

    def of_granularity(self) -> Iterator[tuple[int, list[Point]]]:
        """Yield the points of each granularity."""
        for granularity in dict.fromkeys(point.granularity for point in self.points):
            yield granularity, [point for point in self.points if point.granularity == granularity]

    def __repr__(self) -> str:
        """Return what it is of in a line."""
        sets = len(self.workload["sets"])
        return f"<Fit of {self.source}: {sets} sets, greatest error {abs(self.worst.error):.1%}>"
