"""Systematic fault exploration: every fault before and after every event of a run."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import Any

from vmfailover.display import Plotted
from vmfailover.engine.interruption import UntilInterrupted
from vmfailover.errors import ParameterError
from vmfailover.records.planes import Plane
from vmfailover.scenario import Scenario
from vmfailover.scenario.failover import Failure
from vmfailover.studies.exploration_store import Store
from vmfailover.studies.instants import Trace
from vmfailover.studies.progress import Progress
from vmfailover.studies.runs import whole
from vmfailover.studies.study import ScenarioStudy, interruption, study_pool
from vmfailover.studies.workers import all_of, as_they_end
from vmfailover.version import version

#: Faults that are explored if none are named.
FAULTS = ("host-crash", "host-crash:secondary", "vm-crash", "hypervisor-hang", "link-cut")
#: Epochs whose events are explored if no number is given.
EPOCHS = 20
#: Points that a process runs before it reports.
BATCH = 8


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault at an instant."""

    kind: str
    target: str
    at_ns: int
    #: The planes of its network that the target loses, if not those that the kind assumes.
    planes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its kind, its target if that is not the usual one, and its planes if it names some."""
        if self.planes:
            return f"{self.kind}:{self.target}:{'+'.join(self.planes)}"
        return self.kind if self.target == Failure.kinds[self.kind].targets[0] else f"{self.kind}:{self.target}"

    @property
    def keys(self) -> dict[str, Any]:
        """The fault as a scenario has it."""
        planes = {"planes": self.planes} if self.planes else {}
        return {"at": f"{self.at_ns} ns", "kind": self.kind, "target": self.target, **planes}


@dataclass(frozen=True, slots=True)
class Point:
    """The faults of one run, and what the run without the last of them had done last before it."""

    faults: tuple[Fault, ...]
    phase: str


@dataclass(frozen=True, slots=True)
class Explored:
    """What came of one run."""

    point: Point
    #: `taken over`, `alone`, `ran on`, or `no service` at the end.
    outcome: str
    latency_ns: int | None = None
    #: A line for each invariant that is broken, and the error if the run failed.
    violations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exploration(ScenarioStudy, Plotted):
    """All runs of an exploration."""

    scenario: Scenario
    epochs: int
    results: tuple[Explored, ...]
    #: Whether the user ended it early; it has then what was finished.
    interrupted: bool = False

    @cached_property
    def violations(self) -> list[Explored]:
        """The runs with a broken invariant, the earliest fault first."""
        return sorted((each for each in self.results if each.violations), key=lambda each: _last(each).at_ns)

    @property
    def faults(self) -> list[str]:
        """The names of the faults, as they were asked for."""
        return list(dict.fromkeys(_last(each).name for each in self.results))

    def count(self, fault: str, phase: str) -> int:
        """Return in how many runs a fault struck last in a phase."""
        return sum(_last(each).name == fault and each.point.phase == phase for each in self.results)

    def latencies(self, fault: str | None = None) -> list[int]:
        """Return the failover latencies of the runs of a fault, or of all, in order, nanoseconds."""
        found = (each.latency_ns for each in self.results if fault in (None, _last(each).name))
        return sorted(latency for latency in found if latency is not None)

    def __repr__(self) -> str:
        """Return what it has found in a line."""
        return f"<Exploration of {self.scenario.name}: {len(self.results)} runs, {len(self.violations)} violations>"

    def _findings(self) -> dict[str, Any]:
        return {
            "epochs": self.epochs,
            **interruption(self.interrupted),
            "runs": [asdict(each) for each in self.results],
            "violations": len(self.violations),
        }


def explore(
    scenario: Scenario,
    *,
    faults: Sequence[str] = FAULTS,
    epochs: int = EPOCHS,
    depth: int = 1,
    out: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Exploration:
    """Inject faults before and after every event of the first epochs of a run.

    They are named `kind`, `kind:target` or `network-loss:target:plane+plane`. A run with fewer epochs is explored to
    its end. The failures of the scenario itself are left out. At depth 2, each fault is followed by each fault before
    and after every event since then. Runs are kept in `out`, and those that are there are not run again. If the user
    interrupts, the runs that are finished are returned. Raises InputError for faults that are not known, and for a
    folder of another exploration.
    """
    struck = [named_fault(name) for name in faults]
    plain = scenario.with_(failures=[])
    store = Store(out, {"hash": plain.hash, "version": version(), "schema": Exploration.SCHEMA_VERSION})
    done = {each.point: each for each in (_explored(entry) for entry in store.entries())}
    trace = Trace(plain)
    points = list(first_points(plain, trace, struck, epochs))
    with (
        UntilInterrupted() as ending,
        study_pool("exploring", executor, progress) as (pool, told),
    ):
        _run_all(pool, plain, points, done, store, told)
        if depth > 1:
            second = list(chain.from_iterable(all_of(pool, partial(_second_points, plain, struck), points)))
            points += second
            _run_all(pool, plain, second, done, store, told)
    found = tuple(done[point] for point in points if point in done)
    return Exploration(plain, min(epochs, len(trace.epochs())), found, ending.interrupted)


def some_of(scenario: Scenario, faults: Sequence[str], epochs: int, most: int) -> tuple[list[Scenario], int]:
    """Return a few of the scenarios that `explore` runs at depth 1, at most so many, and for how many each stands."""
    plain, struck = scenario.with_(failures=[]), [named_fault(name) for name in faults]
    points = list(first_points(plain, Trace(plain), struck, epochs))
    each = max(1, -(-len(points) // most))
    return [with_faults(plain, point.faults) for point in points[::each]], each


def with_faults(scenario: Scenario, faults: Sequence[Fault]) -> Scenario:
    """Return a scenario in which these faults strike, as long as it takes for the VM to be up again after the last."""
    failures = [each.keys for each in faults]
    end_ns = faults[-1].at_ns + tail_ns(scenario)
    return scenario.with_(failures=failures, duration=f"{end_ns} ns")


def tail_ns(scenario: Scenario) -> int:
    """Return the time within which the VM has to be up again: the parts of two failovers, and three epochs."""
    noticed, fenced = scenario.detection.latest_ns, scenario.quorum.vote_ns + scenario.fencing.latest_ns
    activated = scenario.hypervisor.restore + scenario.hypervisor.redirect
    return 2 * (noticed + fenced + activated) + 3 * scenario.replication.checkpoint_interval


def examine(scenario: Scenario, point: Point) -> Explored:
    """Run a scenario with the faults of a point; raise KeyboardInterrupt if the user interrupts it."""
    try:
        result = whole(with_faults(scenario, point.faults))
    except Exception as error:
        return Explored(point, "failed", violations=(f"{type(error).__name__}: {error}",))
    broken = tuple(f"{verdict.name}: {verdict.detail}" for verdict in result.verdicts if verdict.broken)
    latency = result.values["failover.latency_ns"]
    kinds = {event.kind for event in result.event_rows}
    since_ns = result.end_ns - scenario.replication.checkpoint_interval
    running = {host for host, spans in result.spans.items() if spans and spans[-1][1] > since_ns}
    outcome = "no service"
    if "takeover" in kinds and "secondary" in running:
        outcome = "taken over"
    elif "primary" in running:
        outcome = "alone" if "alone" in kinds else "ran on"
    return Explored(point, outcome, None if latency is None else int(latency), broken)


def _last(explored: Explored) -> Fault:
    return explored.point.faults[-1]


def named_fault(name: str) -> tuple[str, ...]:
    """Return the kind, the target and the planes of a fault by its name; raise InputError if there is none."""
    kind, target, planes = (*name.split(":", 2), "", "")[:3]
    if not _is_fault(kind, target, planes.split("+") if planes else ()):
        known = ", ".join(f"{name}[:{'|'.join(each.targets)}]" for name, each in Failure.kinds.items())
        raise ParameterError("faults", f"{name!r} is unknown; it is one of {known}")
    return kind, target or Failure.kinds[kind].targets[0], *(planes.split("+") if planes else ())


def _is_fault(kind: str, target: str, planes: Sequence[str]) -> bool:
    known = kind in Failure.kinds and (not target or target in Failure.kinds[kind].targets)
    takes_planes = known and "planes" in Failure.kinds[kind].model_fields
    return known and (not planes or (takes_planes and set(planes) <= set(Plane)))


def first_points(scenario: Scenario, trace: Trace, struck: Sequence[tuple[str, ...]], epochs: int) -> Iterator[Point]:
    """Yield the points of every fault, given as kind, target and planes, around events of the first epochs."""
    began = trace.epochs()
    last_ns = began[epochs] if epochs < len(began) else scenario.duration - 1
    for at_ns in trace.around_events(1, last_ns):
        for kind, target, *planes in struck:
            yield Point((Fault(kind, target, at_ns, tuple(planes)),), trace.phase(at_ns))


def _second_points(scenario: Scenario, struck: Sequence[tuple[str, ...]], first: Point) -> list[Point]:
    """Return the points of every second fault after a first one."""
    once = with_faults(scenario, first.faults)
    trace, since_ns = Trace(once), first.faults[-1].at_ns
    return [
        Point((*first.faults, Fault(kind, target, at_ns, tuple(planes))), trace.phase(at_ns))
        for at_ns in trace.around_events(since_ns, once.duration)
        if at_ns > since_ns
        for kind, target, *planes in struck
        if not _twice(first.faults[-1], kind, target)
    ]


def _twice(first: Fault, kind: str, target: str) -> bool:
    """Say whether a host would crash twice."""
    return (first.kind, first.target) == (kind, target) and Failure.kinds[kind].once


def _run_all(
    pool: Executor,
    scenario: Scenario,
    points: Sequence[Point],
    done: dict[Point, Explored],
    store: Store,
    progress: Progress,
) -> None:
    """Run the points that are not done yet, and enter what came of each."""
    missing = [point for point in points if point not in done]
    batches = dict(enumerate(missing[at : at + BATCH] for at in range(0, len(missing), BATCH)))
    ready = len(points) - len(missing)
    with closing(as_they_end(pool, partial(_examine_all, scenario), batches)) as ended:
        for _, results in ended:
            if isinstance(results, BaseException):
                raise results
            store.append([asdict(each) for each in results])
            done.update({each.point: each for each in results})
            ready += len(results)
            progress(ready, len(points))


def _examine_all(scenario: Scenario, points: Sequence[Point]) -> list[Explored]:
    return [examine(scenario, point) for point in points]


def _explored(entry: dict[str, Any]) -> Explored:
    """Return what `asdict` has made a dictionary of."""
    point = Point(
        tuple(Fault(**{**fault, "planes": tuple(fault.get("planes", ()))}) for fault in entry["point"]["faults"]),
        entry["point"]["phase"],
    )
    return Explored(point, entry["outcome"], entry["latency_ns"], tuple(entry["violations"]))


def quantile(values: Sequence[int], share: float) -> int:
    """Return the smallest of some values in order that at least this share of them does not exceed."""
    return values[max(0, math.ceil(share * len(values)) - 1)]
