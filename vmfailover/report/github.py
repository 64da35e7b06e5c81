"""A check for GitHub: a summary of the step, and annotations."""

from collections.abc import Iterator
from itertools import islice

from vmfailover.report.check_lines import (
    change_line,
    failure_lines,
    improvement_line,
    note_lines,
    overall_notes,
    sides,
    vanished_line,
    verdict_line,
)
from vmfailover.studies.regression import Check

#: Annotations of one step that GitHub shows.
MOST_ANNOTATIONS = 10


def step_summary(check: Check) -> str:
    """Return the Markdown of a step's summary."""
    lines = [f"### vmfailover: {verdict_line(check)}", ""]
    rows = [(checked.name, change) for checked in check.checked for change in checked.changes]
    if rows:
        lines += ["| scenario | metric | statistic | baseline | now | likely |", "|---|---|---|---:|---:|---|"]
        for name, change in rows:
            before, now = sides(change)
            mark = "❌" if change.worse else "✅"
            lines.append(
                f"| {mark} {_escaped(name)} | `{change.metric}` | {change.statistic} | {before} | {now} | "
                f"{change.component} |"
            )
        lines.append("")
    if any(not change.worse for _, change in rows):
        lines += ["✅ is better than the baseline, which is stale.", ""]
    told = {line for _, change in rows for line in (change_line(change), improvement_line(change))}
    for checked in check.checked:
        others = [line for line in (*failure_lines(checked), *note_lines(checked)) if line not in told]
        lines += [f"- **{_escaped(checked.name)}**: {_escaped(line)}" for line in others]
    lines += [f"- ❌ **{_escaped(each.name)}**: {_escaped(vanished_line(each))}" for each in check.vanished]
    lines += [f"- ❌ {_escaped(line)}" for each in check.refused for line in each.reasons]
    lines += [f"- {line}" for line in overall_notes(check)]
    return "\n".join(lines) + "\n"


def annotations(check: Check) -> Iterator[str]:
    """Yield GitHub's commands for the first of what is wrong."""
    yield from islice(_annotations(check), MOST_ANNOTATIONS)


def _annotations(check: Check) -> Iterator[str]:
    for checked in check.checked:
        for line in failure_lines(checked):
            file = f"file={_property(checked.path)}," if checked.path else ""
            yield f"::error {file}title={_property(f'vmfailover: {checked.name}')}::{_data(line)}"
    for vanished in check.vanished:
        yield f"::error title={_property(f'vmfailover: {vanished.name}')}::{_data(vanished_line(vanished))}"
    for refused in check.refused:
        yield from (
            f"::error file={_property(refused.path)},title=vmfailover::{_data(line)}" for line in refused.reasons
        )


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
