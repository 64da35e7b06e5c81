"""The gate of a continuous integration: what scenarios expect, and whether anything has become worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from vmfailover.errors import InputError, ParameterError
from vmfailover.scenario import Scenario
from vmfailover.studies.baseline import Entry, read_baseline, write_baseline
from vmfailover.studies.baseline_comparison import incomparable, same_seeds
from vmfailover.studies.changes import DEFAULT_LIMITS, GATED, Change, Limit, changes_beyond
from vmfailover.studies.progress import Progress, unseen
from vmfailover.studies.renewal import Renewal, renewal
from vmfailover.studies.replication import Replications, replicate
from vmfailover.studies.runs import end_remark
from vmfailover.studies.study import StudyResult, study_pool
from vmfailover.studies.unmet import Unmet, unmet
from vmfailover.studies.vanished import Vanished, vanished


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
    #: Whether nothing can be told from chance: other seeds, and a single run in the baseline or now.
    incomparable: bool = False
    #: Gated metrics that the baseline does not tell of.
    untold: tuple[str, ...] = ()
    #: What a reader has to know of its replications.
    remark: str = ""

    @property
    def regressions(self) -> tuple[Change, ...]:
        """The changes for the worse."""
        return tuple(change for change in self.changes if change.worse)

    @property
    def improvements(self) -> tuple[Change, ...]:
        """The changes for the better, which make the baseline stale."""
        return tuple(change for change in self.changes if not change.worse)

    @property
    def sound(self) -> bool:
        """Whether every run came to its end, every invariant holds, and every expectation is met."""
        return not (self.unmet or self.faults)

    @property
    def gated(self) -> bool:
        """Whether the whole of it was held against the baseline, if there is one."""
        return self.known is not False and not self.incomparable and not self.untold

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return self.sound and self.gated and not self.regressions

    def to_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        changes = [change.to_dict() for change in self.changes]
        return {**asdict(self), "changes": changes, "passed": self.passed}


@dataclass(frozen=True, slots=True)
class Refused:
    """A scenario that could not be checked."""

    path: str
    #: Why, a line each.
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Check(StudyResult):
    """The checks of all scenarios, with their runs."""

    SCHEMA_VERSION = 2

    checked: tuple[Checked, ...]
    replications: tuple[Replications, ...]
    refused: tuple[Refused, ...] = ()
    #: Scenarios of the baseline that are not there any more.
    vanished: tuple[Vanished, ...] = ()
    #: Scenarios of the baseline that were not asked for.
    left_out: int = 0
    #: Whether neither expectations nor a baseline were looked at.
    invariants_only: bool = False

    @property
    def sound(self) -> bool:
        """Whether all scenarios could be checked and, baseline aside, nothing is wrong with any."""
        return not self.refused and all(each.sound for each in self.checked)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong with any scenario."""
        return not self.refused and not self.vanished and all(each.passed for each in self.checked)

    def renewal(self, path: str | PathLike[str]) -> Renewal:
        """Return what `write_baseline` would change in a file; raise InputError if that is no baseline."""
        file = Path(path)
        return renewal(self.replications, read_baseline(file) if file.exists() else {})

    def write_baseline(self, path: str | PathLike[str], *, accept: bool = False) -> None:
        """Enter the runs into a baseline, as `check --update-baseline` does; what got worse has to be accepted.

        Raises InputError, and leaves the file as it is, if a scenario could not be checked, an expectation or invariant
        does not hold, the file is no baseline, or something got worse and is not accepted; and OSError if it cannot be
        written.
        """
        if not self.sound:
            raise InputError(f"{path}: not written, since not all is well; mend what is told of first")
        renewed = self.renewal(path)
        if renewed.worse and not accept:
            raise ParameterError(
                "accept", "not written, since something got worse", about=path, remedy="{accept} enters it"
            )
        write_baseline(Path(path), self.replications, GATED, [each.name for each in renewed.vanished])

    def __repr__(self) -> str:
        """Return the verdict in a line."""
        return f"<Check of {', '.join(each.name for each in self.checked)}: {'passed' if self.passed else 'FAILED'}>"

    def _content(self) -> dict[str, Any]:
        return {
            "passed": self.passed,
            "invariants_only": self.invariants_only,
            "scenarios": [each.to_dict() for each in self.checked],
            "refused": [asdict(each) for each in self.refused],
            "vanished": [asdict(each) for each in self.vanished],
            "left_out": self.left_out,
        }


def check(
    scenarios: Sequence[Scenario],
    baseline: Mapping[str, Entry] | None = None,
    *,
    limits: Sequence[Limit] = DEFAULT_LIMITS,
    replications: int = 10,
    invariants_only: bool = False,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Check:
    """Replicate each scenario, and hold the runs against what it expects and against a baseline.

    `vmfailover.read_baseline` returns a baseline. Replications with the seeds of the baseline are
    compared run by run, as many as both have; others by their intervals, so that one of them alone proves nothing, and
    does not pass. A scenario that the baseline does not have fails, and so does one of the baseline whose file is not
    there any more, or has another name now. With `invariants_only`, neither expectations nor a baseline are looked at.
    `executor` runs them, new processes on all cores if not said. Raises InputError if two scenarios have one name, and
    if there is nothing to hold them against; KeyboardInterrupt if the user interrupts: a part of the runs proves
    nothing.
    """
    if baseline is None and not invariants_only and not any(scenario.expect for scenario in scenarios):
        raise ParameterError(
            "baseline",
            "nothing is gated without a baseline and without any expectation",
            about="check",
            remedy="give a {baseline}, write `expect:` into a scenario, or ask for {invariants_only}",
        )
    names = [scenario.name for scenario in scenarios]
    for scenario in scenarios:
        if names.count(scenario.name) > 1:
            raise InputError(f"{scenario.path}: name: {scenario.name!r} is the name of two scenarios; rename one")
    found: list[Replications] = []
    refused: list[Refused] = []
    with study_pool("checking", executor, progress) as (pool, told):
        for number, scenario in enumerate(scenarios):
            told(number, len(scenarios))
            try:
                found.append(replicate(scenario, replications, executor=pool, progress=unseen))
            except InputError as error:
                refused.append(Refused(str(scenario.path or scenario.name), tuple(str(error).splitlines())))
                continue
            if found[-1].interrupted:
                raise KeyboardInterrupt
        told(len(scenarios), len(scenarios))
    entries = None if invariants_only else baseline
    gone = tuple(vanished(entries or {}, scenarios))
    return Check(
        tuple(_checked(each, entries, limits, {} if invariants_only else each.scenario.expect) for each in found),
        tuple(found),
        tuple(refused),
        gone,
        left_out=len((entries or {}).keys() - set(names)) - len(gone),
        invariants_only=invariants_only,
    )


def _checked(
    found: Replications, baseline: Mapping[str, Entry] | None, limits: Sequence[Limit], expect: Mapping[str, str]
) -> Checked:
    scenario = found.scenario
    entry = None if baseline is None else baseline.get(scenario.name)
    return Checked(
        name=scenario.name,
        path=str(scenario.path) if scenario.path else None,
        n=len(found.runs),
        expectations=len(expect),
        unmet=tuple(unmet(expect, found.runs)),
        changes=tuple(changes_beyond(found, entry, limits)) if entry else (),
        known=None if baseline is None else entry is not None,
        scenario_changed=entry is not None and entry.hash != scenario.hash,
        other_seeds=entry is not None and not same_seeds(found, entry),
        incomparable=entry is not None and incomparable(found, entry),
        untold=tuple(metric for metric in GATED if metric not in entry.values) if entry else (),
        remark=end_remark(scenario) if len(found.runs) > 1 else "",
        faults=tuple(f"seed {run.seed}: {line}" for run in found.runs for line in (*run.broken, run.error) if line),
    )
