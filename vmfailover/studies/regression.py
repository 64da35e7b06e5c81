"""The gate of a continuous integration: what scenarios expect, and whether anything has become worse."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from math import inf, isinf
from os import PathLike
from pathlib import Path
from typing import Any, Self

from vmfailover.errors import InputError
from vmfailover.scenario import Scenario
from vmfailover.scenario.expectation import Expectation
from vmfailover.studies.baseline import Entry, write_baseline
from vmfailover.studies.executors import local_processes
from vmfailover.studies.progress import Progress, followed, unseen
from vmfailover.studies.replication import Replications, replicate
from vmfailover.studies.sides import Sides, same_seeds
from vmfailover.studies.statistics import estimate
from vmfailover.version import version

#: Version of what `to_dict` returns; it changes when a key is renamed or removed.
SCHEMA_VERSION = 1
#: Metrics that are gated: less of each is better, and somebody notices more of it.
GATED = (
    "failover.latency_ns",
    "failover.detection_ns",
    "failover.fencing_ns",
    "failover.apply_ns",
    "failover.activation_ns",
    "failover.warmup_ns",
    "failover.false_alarms",
    "exposure.total_ns",
    "client.blackout_ns",
    "client.latency_p99_ns",
    "loss.work_ns",
    "loss.outputs",
    "guest.slowdown",
    "checkpoint.pause_p99_ns",
    "checkpoint.commit_latency_p99_ns",
    "replication.bytes",
    "log.stall_ns",
)
#: The component that a metric tells of, by the beginning of its name.
_COMPONENTS = {
    "failover.detection": "detection",
    "failover.fencing": "fencing",
    "failover.apply": "receiver (image)",
    "failover.activation": "takeover (activation)",
    "failover.warmup": "caches after the takeover",
    "failover.false_alarms": "detection",
    "exposure": "re-protection",
    "client": "output commit",
    "loss": "replication",
    "guest": "tracking of modified memory",
    "checkpoint.pause": "checkpointing",
    "checkpoint.commit": "link",
    "replication": "replication",
    "log": "address log",
}
_PARTS = ("failover.detection_ns", "failover.fencing_ns", "failover.apply_ns", "failover.activation_ns")
_LIMIT = re.compile(r"\s*(mean|median|min|max|p\d{1,2}(?:\.\d{1,3})?)\s*:\s*(\d+(?:\.\d+)?)\s*%\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limit:
    """How much worse a statistic may become, as a share of what it was."""

    statistic: str
    share: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the limit that a text such as `p99:5%` says; raise InputError if it says none."""
        match = _LIMIT.fullmatch(text)
        if match is None:
            raise InputError(f"--fail-on: {text!r} is no limit; write for example 'p99:5%' or 'mean:2%'")
        return cls(match[1], float(match[2]) / 100)


#: The limit if none is given.
DEFAULT_LIMITS = (Limit("mean", 0.05),)


@dataclass(frozen=True, slots=True)
class Change:
    """A statistic of a metric that is not any more what the baseline says, beyond a limit and beyond chance."""

    metric: str
    statistic: str
    #: In the metric's unit.
    before: float
    #: None if replications have lost the metric.
    now: float | None
    #: Where the reason is most likely to be.
    component: str
    #: Replications that had the metric in the baseline, and have no value of it now.
    lost: int = 0

    @property
    def relative(self) -> float:
        """The change as a share of what it was."""
        if self.now is None:
            return inf
        return (self.now - self.before) / abs(self.before) if self.before else inf

    @property
    def worse(self) -> bool:
        """Whether it is a regression, not an improvement."""
        return self.now is None or self.now > self.before

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints; the relative change is None where it is infinite."""
        return {**asdict(self), "relative": None if isinf(self.relative) else self.relative, "worse": self.worse}


@dataclass(frozen=True, slots=True)
class Unmet:
    """An expectation of a scenario that does not hold."""

    metric: str
    expectation: str
    #: The value that is wrong, None if there is none.
    value: float | None


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check of one scenario has found."""

    name: str
    #: The scenario's file, if it came from one.
    path: str | None
    n: int
    expectations: int
    unmet: tuple[Unmet, ...]
    changes: tuple[Change, ...]
    #: Whether the baseline has the scenario; None without a baseline.
    known: bool | None
    #: Whether the scenario itself has changed since.
    scenario_changed: bool
    #: Invariants that are broken and runs that failed, a line each.
    faults: tuple[str, ...]
    #: Whether the baseline is of other seeds, so that nothing can be compared run by run.
    other_seeds: bool = False
    #: Gated metrics that the baseline does not tell of, and that are not gated therefore.
    ungated: tuple[str, ...] = ()

    @property
    def regressions(self) -> tuple[Change, ...]:
        """The changes for the worse."""
        return tuple(change for change in self.changes if change.worse)

    @property
    def improvements(self) -> tuple[Change, ...]:
        """The changes for the better, which make the baseline stale."""
        return tuple(change for change in self.changes if not change.worse)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.unmet or self.regressions or self.faults)

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        changes = [change.to_dict() for change in self.changes]
        return {**asdict(self), "changes": changes, "passed": self.passed}


@dataclass(frozen=True)
class Check:
    """The checks of all scenarios, with their runs."""

    checked: tuple[Checked, ...]
    replications: tuple[Replications, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong with any scenario."""
        return all(each.passed for each in self.checked)

    def write_baseline(self, path: str | PathLike[str]) -> None:
        """Enter the runs into a baseline, as `--update-baseline` does.

        Raises InputError if a check has failed or the file is no baseline, and OSError if it cannot be written.
        """
        if not self.passed:
            raise InputError(f"{path}: not written, since not all is well; mend what is told of first")
        write_baseline(Path(path), self.replications, GATED)

    def __repr__(self) -> str:
        """Return the verdict in a line."""
        return f"<Check of {', '.join(each.name for each in self.checked)}: {'passed' if self.passed else 'FAILED'}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows of it."""
        from vmfailover.report.html.page import render_fragment
        from vmfailover.report.html.study_pages import check_page

        return render_fragment(check_page(self))

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {
            "schema_version": SCHEMA_VERSION,
            "vmfailover_version": version(),
            "passed": self.passed,
            "scenarios": [each.to_dict() for each in self.checked],
        }

    def to_json(self) -> str:
        """Return `to_dict` as indented JSON text, without NaN."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)


def check(
    scenarios: Sequence[Scenario],
    baseline: Mapping[str, Entry] | None = None,
    *,
    limits: Sequence[Limit] = DEFAULT_LIMITS,
    replications: int = 10,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Check:
    """Replicate each scenario, and hold the runs against what it expects and against a baseline.

    `vmfailover.read_baseline` returns a baseline. Replications with the seeds of the baseline are
    compared run by run, as many as both have; others by their intervals, so that one of them alone never differs.
    `executor` runs them, new processes on all cores if not said. Raises InputError if two scenarios have one name,
    and KeyboardInterrupt if the user interrupts: a part of the runs proves nothing.
    """
    names = [scenario.name for scenario in scenarios]
    for scenario in scenarios:
        if names.count(scenario.name) > 1:
            raise InputError(f"{scenario.path}: name: {scenario.name!r} is the name of two scenarios; rename one")
    found = []
    with nullcontext(executor) if executor else local_processes() as pool, followed(progress, "checking") as told:
        for number, scenario in enumerate(scenarios):
            told(number, len(scenarios))
            found.append(replicate(scenario, replications, executor=pool, progress=unseen))
            if found[-1].interrupted:
                raise KeyboardInterrupt
        told(len(scenarios), len(scenarios))
    return Check(tuple(_checked(each, baseline, limits) for each in found), tuple(found))


def _checked(found: Replications, baseline: Mapping[str, Entry] | None, limits: Sequence[Limit]) -> Checked:
    scenario = found.scenario
    entry = None if baseline is None else baseline.get(scenario.name)
    return Checked(
        name=scenario.name,
        path=str(scenario.path) if scenario.path else None,
        n=len(found.runs),
        expectations=len(scenario.expect),
        unmet=tuple(_unmet(found)),
        changes=tuple(_changes(found, entry, limits)) if entry else (),
        known=None if baseline is None else entry is not None,
        scenario_changed=entry is not None and entry.hash != scenario.hash,
        other_seeds=entry is not None and not same_seeds(found, entry),
        ungated=tuple(metric for metric in GATED if metric not in entry.values) if entry else (),
        faults=tuple(f"seed {run.seed}: {line}" for run in found.runs for line in (*run.broken, run.error) if line),
    )


def _unmet(found: Replications) -> Iterator[Unmet]:
    for metric, text in found.scenario.expect.items():
        expectation = Expectation.parse(metric, text)
        numbers = found.numbers(expectation.metric)
        values = numbers if expectation.statistic is None else [estimate(numbers, expectation.statistic).value]
        wrong = [value for value in values if value is None or not expectation.holds(value)]
        if wrong or not values:
            yield Unmet(expectation.metric, text, wrong[0] if wrong else None)


def _changes(found: Replications, entry: Entry, limits: Sequence[Limit]) -> Iterator[Change]:
    """Yield the metrics that have changed: by the first limit that a regression exceeds, if there is one."""
    for metric in GATED:
        sides = Sides.of(found, entry, metric)
        before, _ = sides.statistics(limits[0].statistic)
        if before is None:
            continue
        if sides.lost:
            yield Change(metric, limits[0].statistic, before, None, _component(found, entry, metric), sides.lost)
        elif sides.beyond_chance:
            component = _component(found, entry, metric)
            beyond = list(_beyond_limits(metric, sides, limits, component))
            yield from ([change for change in beyond if change.worse] or beyond)[:1]


def _beyond_limits(metric: str, sides: Sides, limits: Sequence[Limit], component: str) -> Iterator[Change]:
    for limit in limits:
        before, now = sides.statistics(limit.statistic)
        assert before is not None
        assert now is not None
        change = Change(metric, limit.statistic, before, now, component)
        if now != before and abs(change.relative) > limit.share:
            yield change


def _component(found: Replications, entry: Entry, metric: str) -> str:
    """Return where the reason of a change is most likely to be: of a latency, where its most changed part is."""
    if metric in ("failover.latency_ns", "client.blackout_ns"):
        changed = {part: _mean_change(found, entry, part) for part in _PARTS}
        largest = max(changed, key=lambda part: abs(changed[part]))
        if changed[largest]:
            metric = largest
    return next((name for start, name in _COMPONENTS.items() if metric.startswith(start)), "unknown")


def _mean_change(found: Replications, entry: Entry, metric: str) -> float:
    before, now = Sides.of(found, entry, metric).statistics("mean")
    return 0.0 if before is None or now is None else now - before
