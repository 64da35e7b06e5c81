"""A check for a terminal."""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from vmfailover.report.ascii import in_ascii
from vmfailover.report.check_lines import failure_lines, note_lines, overall_notes, vanished_line, verdict_line
from vmfailover.results.quantities import counted
from vmfailover.studies.regression import Check, Checked


def print_check(check: Check, console: Console) -> None:
    """Print each scenario with what is wrong with it, and the outcome."""
    unicode = console.encoding.startswith("utf")
    for line in _lines(check):
        console.print(line if unicode else in_ascii(line), soft_wrap=True)


def _lines(check: Check) -> Iterator[Text]:
    for checked in check.checked:
        yield _title(checked.passed, f"{checked.name}: {counted(checked.n, 'run')}{_met(checked)}")
        yield from _red(failure_lines(checked))
        yield from (Text(f"    {line}", style="yellow") for line in note_lines(checked))
    for vanished in check.vanished:
        yield _title(False, vanished.name)
        yield from _red([vanished_line(vanished)])
    for refused in check.refused:
        yield _title(False, f"{refused.path}: not checked")
        yield from _red(refused.reasons)
    yield from (Text(line, style="yellow") for line in overall_notes(check))
    yield Text(verdict_line(check), style="bold green" if check.passed else "bold red")


def _title(passed: bool, text: str) -> Text:
    mark, style = ("✓", "green") if passed else ("✗", "bold red")
    return Text.assemble((mark, style), f" {text}")


def _red(lines: Iterator[str] | tuple[str, ...] | list[str]) -> Iterator[Text]:
    return (Text(f"    {line}", style="red") for line in lines)


def _met(checked: Checked) -> str:
    met = checked.expectations - len(checked.unmet)
    return f", {met} of {counted(checked.expectations, 'expectation')} met" if checked.expectations else ""
