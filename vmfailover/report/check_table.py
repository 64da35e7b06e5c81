"""A check for a terminal."""

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from vmfailover.report.ascii import in_ascii
from vmfailover.report.check_lines import failure_lines, note_lines, verdict_line
from vmfailover.report.quantities import counted
from vmfailover.studies.regression import Check, Checked


def print_check(check: Check, console: Console) -> None:
    """Print each scenario with what is wrong with it, and the outcome."""
    unicode = console.encoding.startswith("utf")
    for line in _lines(check):
        console.print(line if unicode else in_ascii(line), soft_wrap=True)


def _lines(check: Check) -> Iterator[Text]:
    for checked in check.checked:
        yield _title(checked)
        yield from (Text(f"    {line}", style="red") for line in failure_lines(checked))
        yield from (Text(f"    {line}", style="yellow") for line in note_lines(checked))
    yield Text(verdict_line(check), style="bold green" if check.passed else "bold red")


def _title(checked: Checked) -> Text:
    mark, style = ("✓", "green") if checked.passed else ("✗", "bold red")
    met = checked.expectations - len(checked.unmet)
    expected = f", {met} of {counted(checked.expectations, 'expectation')} met" if checked.expectations else ""
    return Text.assemble((mark, style), f" {checked.name}: {counted(checked.n, 'run')}{expected}")
