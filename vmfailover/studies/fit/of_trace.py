"""Hot sets that modify memory as a recorded guest does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from vmfailover.results.quantities import count, duration
from vmfailover.scenario.sizes import PAGE_BYTES
from vmfailover.scenario.units import DURATION, SIZE
from vmfailover.studies.fit.curve import GRANULARITIES, REGIONS, SHORTEST, Observation, observe
from vmfailover.studies.fit.fit import Fit, Point
from vmfailover.studies.fit.fluctuation import FittedFluctuation, fluctuation_of
from vmfailover.studies.fit.generated import observed_stream
from vmfailover.studies.fit.layout import laid_out
from vmfailover.studies.fit.least_squares import fitted_sets
from vmfailover.studies.fit.model import FittedSet, visit_stores
from vmfailover.studies.fit.profile import TICK_NS, profile, workload_of
from vmfailover.studies.progress import Progress, followed
from vmfailover.traces.accesses import AccessChunk
from vmfailover.traces.format import TraceError, TraceFile, open_trace

__all__ = ["CLOCK_HZ", "IPC", "fit_trace"]

#: Instructions a cycle, and the clock, that are assumed of a guest whose trace tells no time.
IPC, CLOCK_HZ = 1.0, 3_500_000_000
#: A trace with fewer stores in what is fitted tells too little.
_FEWEST_STORES = 8 * SHORTEST
#: What is compared, without and with a holdout.
_JUDGED = {
    False: "fitted: counted in the stores that the sets make when they are drawn",
    True: "fitted to one half of the records, judged by the other; fitted: counted in stores that the sets make",
}
#: Seed of the draws that a fit is judged by.
_SEED = 1


def fit_trace(
    path: Path | str,
    *,
    ipc: float = IPC,
    clock_hz: float = CLOCK_HZ,
    holdout: bool = False,
    progress: Progress | None = None,
) -> Fit:
    """Fit hot sets to the stores of a trace, and judge them by what they store to when they are drawn.

    A trace that tells no time lasts its instructions divided by `ipc` and the clock, and its idle time if it tells
    that: rates are means of both. With `holdout` the first half of
    its records is fitted, and the other half is what the sets are judged by. Raises TraceError for a trace that cannot
    be read, or is too short, and InputError for a time that makes its rates beyond all limits.
    """
    trace = open_trace(Path(path))
    middle = trace.records // 2
    with followed(progress, "fitting") as told:
        fitted = _seen(trace, 0, middle if holdout else trace.records, told)
        judged = _seen(trace, middle, trace.records, told) if holdout else fitted
        guest = _Guest(trace, fitted, ipc, clock_hz)
        workload = guest.workload()
        drawn = observed_stream(workload_of(workload), judged.stores, _SEED, told)
    points = tuple(_points(judged, drawn, guest.store_ns))
    return Fit(trace.path.name, workload, points, (*guest.notes(), _JUDGED[holdout], _of_regions(judged, drawn)))


@dataclass(frozen=True)
class _Guest:
    """What is fitted of a trace, in time."""

    trace: TraceFile
    seen: Observation
    ipc: float
    clock_hz: float

    @property
    def instruction_ns(self) -> float:
        """Mean time of an instruction of all vCPUs together."""
        about = self.trace.metadata
        if about.duration_ns:
            return about.duration_ns / about.instructions
        return (1e9 / (self.ipc * self.clock_hz) + (about.idle_ns or 0) / about.instructions) / about.vcpus

    @property
    def store_ns(self) -> float:
        """Mean time from one store to the next."""
        return self.instruction_ns * self.seen.instructions / self.seen.stores

    def workload(self) -> dict[str, Any]:
        """Return the plain data of the fitted workload."""
        seen = self.seen
        sets = laid_out(fitted_sets(seen.by_stores), seen.regions, self.trace.metadata.memory_bytes // PAGE_BYTES)
        return profile(
            sets,
            description=f"hot sets fitted to {self.trace.path.name}: {self.trace.metadata.source}",
            stores_per_second=1e9 / self.store_ns,
            visit_stores=visit_stores(sets),
            loads=seen.loads_per_store,
            instructions=seen.instructions / seen.accesses,
            fluctuation=self._fluctuation(sets),
            fitted=self._about(),
        )

    def _fluctuation(self, sets: Sequence[FittedSet]) -> FittedFluctuation | None:
        per_instruction = self.seen.stores / self.seen.instructions
        found = fluctuation_of(self.seen.by_instructions, sets, per_instruction, TICK_NS / self.instruction_ns)
        return found and replace(found, correlation=found.correlation * self.instruction_ns)

    def _about(self) -> dict[str, Any]:
        shortest = round(SHORTEST * self.store_ns)
        return {
            "trace": self.trace.path.name,
            "stores": self.seen.stores,
            "instructions": self.seen.instructions,
            "time": DURATION.format(round(self.seen.instructions * self.instruction_ns, -3)),
            "shortest_window": DURATION.format(shortest),
        }

    def notes(self) -> Iterator[str]:
        """Yield what the fit takes for granted."""
        about = self.trace.metadata
        time = duration(self.seen.instructions * self.instruction_ns)
        if about.duration_ns:
            yield f"time: {time} is fitted, as recorded"
        else:
            clock = f"{self.clock_hz / 1e9:g} GHz"
            speed = f"{self.ipc:g} instructions a cycle and {clock} (ipc, clock)"
            idle = f", idle time of {duration(about.idle_ns)} included" if about.idle_ns else ""
            yield f"time: the trace tells none; {time} is fitted, at {speed}{idle}"


def _seen(trace: TraceFile, start: int, stop: int, progress: Progress) -> Observation:
    """Look at the records from one number to another; raise TraceError if they are too few."""
    about = trace.metadata
    found = observe(_chunks(trace, start, stop, progress), about.memory_bytes, about.accesses, about.instructions)
    if found.stores < _FEWEST_STORES or not found.instructions:
        raise TraceError.about(
            trace.path,
            f"has {count(found.stores)} stores and {count(found.instructions)} instructions in what is fitted or "
            f"judged; record at least {count(_FEWEST_STORES)} stores, and some instructions",
        )
    return found


def _chunks(trace: TraceFile, start: int, stop: int, progress: Progress) -> Iterator[AccessChunk]:
    at = 0
    for columns in trace.interleaved():
        chunk = AccessChunk(at, columns.block, columns.write, columns.count, columns.instructions)
        part = chunk.part(min(max(0, start - at), chunk.records), min(stop - at, chunk.records))
        if part.records:
            yield part
        at += chunk.records
        progress(min(at, stop), stop)
        if at >= stop:
            return


def _points(recorded: Observation, drawn: Observation, store_ns: float) -> Iterator[Point]:
    for column, granularity in enumerate(GRANULARITIES):
        rows = zip(recorded.by_stores.lengths, recorded.by_stores.units, drawn.by_stores.units, strict=True)
        for stores, real, made in rows:
            yield Point.of(granularity, int(stores), stores * store_ns, real[column], made[column])


def _of_regions(recorded: Observation, drawn: Observation) -> str:
    """Say how far off units of several pages are, which the fit is not judged by."""
    errors = drawn.regions.units / recorded.regions.units - 1
    told = (
        f"{100 * column.min():+.0f} to {100 * column.max():+.0f} % in units of {SIZE.format(size)}"
        for size, column in zip(REGIONS, errors.T, strict=True)
    )
    return f"larger units, not judged: {', '.join(told)}"
