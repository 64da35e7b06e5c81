"""What a check has found, in words: shared by the terminal, JUnit and GitHub."""

from collections.abc import Iterator
from math import isinf

from vmfailover.report.metric_quantity import quantity
from vmfailover.results.quantities import counted, share
from vmfailover.studies.changes import Change
from vmfailover.studies.regression import Check, Checked
from vmfailover.studies.renewal import Renewal
from vmfailover.studies.unmet import Unmet
from vmfailover.studies.vanished import Vanished


def change_line(change: Change) -> str:
    """Return a change in one line: metric, baseline, value, and where the reason is likely to be."""
    before = _bounded(change.metric, change.before, at_least=change.before_at_least)
    line = f"{change.statistic} of {change.metric}: {before} in the baseline, {_now(change)}"
    return f"{line}; likely {change.component}"


def sides(change: Change) -> tuple[str, str]:
    """Return the value of a change in the baseline and now, each as a lower bound where it is one."""
    before = _bounded(change.metric, change.before, at_least=change.before_at_least)
    return before, _bounded(change.metric, change.now, at_least=change.now_at_least)


def _now(change: Change) -> str:
    if change.now is None:
        return f"no value now in {counted(change.lost, 'run')} that had one"
    now = _bounded(change.metric, change.now, at_least=change.now_at_least)
    lost = f", cut off in {counted(change.lost, 'run')} that {'was' if change.lost == 1 else 'were'} not"
    sign = "−" if change.now < change.before else "+"
    relative = "" if isinf(change.relative) else f" ({sign}{share(abs(change.relative))})"
    return f"{now} now{relative}{lost if change.lost else ''}"


def _bounded(metric: str, value: float | None, *, at_least: bool) -> str:
    return f"{'at least ' if at_least else ''}{quantity(metric, value)}"


def improvement_line(change: Change) -> str:
    """Return a change for the better in one line, and what follows from it."""
    return f"better than the baseline, which is stale: {change_line(change)}"


def unmet_line(unmet: Unmet) -> str:
    """Return an expectation that does not hold in one line."""
    expected = f"{unmet.metric}: expected {unmet.expectation}, found"
    if unmet.value is None:
        return f"{expected} no value" + (f" in {counted(unmet.without, 'run')}" if unmet.without else "")
    found = f"{expected} {_bounded(unmet.metric, unmet.value, at_least=unmet.at_least)}"
    return f"{found}, which does not show it; let the run be longer" if unmet.open else found


def vanished_line(vanished: Vanished) -> str:
    """Return in one line that a scenario of the baseline has gone."""
    why = "is not there any more" if vanished.now is None else f"has scenario {vanished.now!r} now"
    return f"in the baseline, but {vanished.path} {why}; --update-baseline --accept takes it out"


def failure_lines(checked: Checked) -> Iterator[str]:
    """Yield what is wrong with a scenario, a line each."""
    yield from checked.faults
    yield from map(unmet_line, checked.unmet)
    yield from map(change_line, checked.regressions)
    if checked.known is False:
        yield "not in the baseline; --update-baseline enters it"
    if checked.incomparable:
        yield "the baseline has other seeds, and one run cannot be told from chance; give --replications 2 or more"
    if checked.untold:
        yield f"the baseline does not tell of {', '.join(checked.untold)}; --update-baseline enters them"


def note_lines(checked: Checked) -> Iterator[str]:
    """Yield what else a reader should know of a scenario."""
    if checked.scenario_changed:
        yield "the scenario has changed since the baseline was made"
    if checked.known is None and not checked.expectations:
        yield "held against its invariants alone: there is neither an expectation nor a baseline"
    if checked.other_seeds and not checked.incomparable:
        yield "the baseline has other seeds, so only changes beyond the spread of the runs are found"
    if checked.remark:
        yield checked.remark
    yield from map(improvement_line, checked.improvements)


def overall_notes(check: Check) -> Iterator[str]:
    """Yield what a reader should know of all scenarios together."""
    if check.left_out:
        there = "is" if check.left_out == 1 else "are"
        yield f"{counted(check.left_out, 'scenario')} of the baseline {there} not among those given, and not checked"


def verdict_line(check: Check) -> str:
    """Return the outcome in one line."""
    failed = sum(not each.passed for each in check.checked) + len(check.vanished)
    told = [f"{counted(len(check.checked), 'scenario')} checked"]
    if failed:
        told.append(f"{failed} failed")
    if check.refused:
        told.append(f"{len(check.refused)} could not be")
    return ", ".join(told if failed or check.refused else [*told, f"all passed{_held_against(check)}"])


def _held_against(check: Check) -> str:
    """Say what was not looked at."""
    if check.invariants_only:
        return ", their invariants alone being checked"
    compared = any(each.known is not None for each in check.checked)
    return "" if compared else ", without a baseline to compare with"


def renewal_lines(renewal: Renewal) -> Iterator[str]:
    """Yield what entering runs into a baseline changes in it, a line each."""
    for name in renewal.new:
        yield f"new: {name}"
    for gone in renewal.vanished:
        yield f"gone: {gone.name} ({gone.path})"
    for name, before, now in renewal.fewer:
        yield f"fewer: {name}: {counted(before, 'run')} in the baseline, {now} now"
    for name in renewal.incomparable:
        yield f"unknown: {name}: other seeds, and one run cannot be told from chance"
    for name, change in renewal.changes:
        yield f"{'worse' if change.worse else 'better'}: {name}: {change_line(change)}"
