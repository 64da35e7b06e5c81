"""The report of a comparison."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from vmfailover.report.comparison_notes import failures, interruption, notes
from vmfailover.report.comparison_rows import Row
from vmfailover.report.html.page import Cell, Page, Table
from vmfailover.report.html.pictures import Figure, drawn
from vmfailover.report.html.study_pages import comparison_page, known_rows, label, means, verdict
from vmfailover.results.quantities import counted
from vmfailover.scenario.writing import text_of
from vmfailover.studies.comparison import Comparison
from vmfailover.version import version


def comparison_report(comparison: Comparison) -> Page:
    """Return the whole report of a comparison: remarks, figures, means, differences, what went wrong, scenarios."""
    pictures, missing = drawn(_figures(comparison))
    page, baseline = comparison_page(comparison), comparison.scenarios[comparison.baseline]
    return replace(
        page,
        title=_title(comparison),
        headline=" ".join(filter(None, (verdict(comparison.consistent), interruption(comparison)))),
        provenance=[*page.provenance, ("vmfailover", version()), ("scenario", baseline.hash)],
        summary=list(notes(comparison)),
        pictures=pictures,
        missing=missing,
        tables=[means(comparison), *_differences(comparison), *_failures(comparison), *_keys(comparison)],
        scenario=f"# {comparison.baseline}, which differences are to\n{text_of(baseline)}",
    )


def _title(comparison: Comparison) -> str:
    names = list(dict.fromkeys(scenario.name for scenario in comparison.scenarios.values()))
    columns = f" in {counted(len(comparison.names), 'column')}" if len(names) < len(comparison.names) else ""
    return f"Comparison of {', '.join(names)}{columns}"


def _figures(comparison: Comparison) -> Iterator[Figure]:
    plot = comparison.plot
    yield Figure("Side by side", "Which is best in what?", plot.bars, "bars")
    yield Figure("Slowdown", "What does protection cost the guest, and why?", plot.slowdown, "slowdown")


def _differences(comparison: Comparison) -> Iterator[Table]:
    """Yield a table of the differences to the baseline, if there is anything else."""
    others = [name for name in comparison.names if name != comparison.baseline]
    if others:
        yield Table(
            f"Differences to {comparison.baseline}, paired, ± half the 95 % confidence interval; "
            "* where that leaves out zero",
            ("", *others),
            [[label(row), *(_difference(comparison, name, row) for name in others)] for row in known_rows(comparison)],
        )


def _difference(comparison: Comparison, name: str, row: Row) -> Cell:
    found, runs = comparison.difference(name, row.metric), len(comparison.of(name))
    text = f"{row.signed(found, runs)}{' *' if found.certain else ''}"
    return Cell(text, "" if found.mean is None else found.mean)


def _failures(comparison: Comparison) -> Iterator[Table]:
    """Yield a table of what went wrong, if anything did."""
    rows = [[Cell(name, name), Cell(line, line)] for name in comparison.names for line in failures(comparison, name)]
    if rows:
        yield Table("Broken invariants and failed runs", ("column", "what"), rows)


def _keys(comparison: Comparison) -> Iterator[Table]:
    """Yield a table of the keys in which the scenarios differ, if they do."""
    sources = [dict(_leaves(scenario.source)) for scenario in comparison.scenarios.values()]
    keys = dict.fromkeys(key for source in sources for key in source)
    texts = {key: [source.get(key, "–") for source in sources] for key in keys}
    rows = [[Cell(text, text) for text in (key, *row)] for key, row in texts.items() if len(set(row)) > 1]
    if rows:
        yield Table("Keys in which the scenarios differ", ("key", *comparison.names), rows)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each value of a scenario as text, by its dotted key."""
    if not isinstance(value, dict | list):
        yield path.removeprefix("."), str(value)
        return
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in items:
        yield from _leaves(each, f"{path}.{key}")
