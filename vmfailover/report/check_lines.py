"""What a check has found, in words: shared by the terminal, JUnit and GitHub."""

from collections.abc import Iterator
from math import isinf

from vmfailover.report.metric_quantity import quantity
from vmfailover.report.quantities import counted, share
from vmfailover.studies.regression import Change, Check, Checked, Unmet


def change_line(change: Change) -> str:
    """Return a change in one line: metric, baseline, value, and where the reason is likely to be."""
    before, now = (quantity(change.metric, value) for value in (change.before, change.now))
    if change.now is None:
        runs = counted(change.lost, "run")
        line = f"{change.statistic} of {change.metric}: {before} in the baseline, no value now in {runs} that had one"
        return f"{line}; likely {change.component}"
    relative = "" if isinf(change.relative) else f" ({'+' if change.worse else '−'}{share(abs(change.relative))})"
    line = f"{change.statistic} of {change.metric}: {before} in the baseline, {now} now{relative}"
    return f"{line}; likely {change.component}"


def improvement_line(change: Change) -> str:
    """Return a change for the better in one line, and what follows from it."""
    return f"better than the baseline, which is stale: {change_line(change)}"


def unmet_line(unmet: Unmet) -> str:
    """Return an expectation that does not hold in one line."""
    return f"{unmet.metric}: expected {unmet.expectation}, found {quantity(unmet.metric, unmet.value)}"


def failure_lines(checked: Checked) -> Iterator[str]:
    """Yield what is wrong with a scenario, a line each."""
    yield from checked.faults
    yield from map(unmet_line, checked.unmet)
    yield from map(change_line, checked.regressions)


def note_lines(checked: Checked) -> Iterator[str]:
    """Yield what else a reader should know of a scenario."""
    if checked.scenario_changed:
        yield "the scenario has changed since the baseline was made"
    if checked.known is False:
        yield "not in the baseline, so only its expectations are checked; --update-baseline enters it"
    if checked.other_seeds:
        yield "the baseline has other seeds, so only changes beyond the spread of the runs are found"
    if checked.ungated:
        yield f"the baseline does not tell of {', '.join(checked.ungated)}; --update-baseline enters them"
    yield from map(improvement_line, checked.improvements)


def verdict_line(check: Check) -> str:
    """Return the outcome in one line."""
    failed = sum(not each.passed for each in check.checked)
    scenarios = counted(len(check.checked), "scenario")
    return f"{scenarios} checked, {failed} failed" if failed else f"{scenarios} checked, all passed"
