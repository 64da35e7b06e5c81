"""The pages of runs and studies: whole, safe, small, and the same for the same results."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import vmfailover as vf
from vmfailover.report.html.folder_page import folder_page, page_path
from vmfailover.report.html.page import Card, Cell, Page, Table, render, render_fragment
from vmfailover.report.html.run_page import FIGURES, MOST_ROWS, run_page
from vmfailover.report.html.sweep_report import MOST_CELLS, sweep_report
from vmfailover.report.html.sweep_report import MOST_ROWS as MOST_POINTS
from vmfailover.report.sweep_table import SHOWN
from vmfailover.results.export import export
from vmfailover.results.quantities import duration
from vmfailover.studies.executors import InThisProcess

from ..figures.sweeps import made as sweep_of
from ..outcomes import OUTCOMES, outcome
from .studies import INTERVAL, STUDIES, made, put, report

#: One of each kind of run and study; the pages of the others are among the heavy proofs.
CHOSEN = ("failover", "broken", "comparison", "replications", "sweep of one key")


def every(names: Iterable[str], quick: Sequence[str] = CHOSEN) -> list[Any]:
    """Return names, those that are not among the quick ones marked as slow."""
    return [pytest.param(name, marks=() if name in quick else pytest.mark.slow) for name in names]


#: Elements that need no end.
VOID = {"meta", "link", "br", "use", "path", "image", "rect", "stop"}


@cache
def page_of(name: str) -> Page:
    """Return the report of a run, drawn once."""
    return run_page(outcome(name))


class Checker(HTMLParser):
    """Checks that elements nest, and collects what a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self.fetched += [
            value or "" for name, value in attrs if name in ("src", "href", "xlink:href") and not _inside(value)
        ]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def _inside(value: str | None) -> bool:
    return value is not None and value.startswith(("#", "data:"))


def checked(html: str) -> Checker:
    checker = Checker()
    checker.feed(html)
    assert not checker.open
    return checker


@pytest.mark.slow
@pytest.mark.parametrize("name", OUTCOMES)
def test_a_page_is_whole_and_fetches_nothing(name: str) -> None:
    html = render(page_of(name))
    checker = checked(html)
    assert not checker.fetched
    assert "url(http" not in html
    assert len(html) < 3_000_000
    assert outcome(name).scenario.hash in html


def test_the_same_run_gives_the_same_page() -> None:
    assert render(page_of("failover")) == render(page_of("failover"))


@pytest.mark.slow
def test_a_page_of_a_saved_run_is_that_of_the_run(tmp_path: Path) -> None:
    export(outcome("failover"), tmp_path)
    page, saved = page_of("failover"), folder_page(tmp_path)
    assert saved.tables == page.tables
    assert saved.summary == page.summary
    assert [drawn(picture.svg) for picture in saved.pictures] == [drawn(picture.svg) for picture in page.pictures]


def drawn(svg: str) -> str:
    """Return a picture without the names of its clipping rectangles, which hang on the last bits of the layout."""
    return re.sub(r"\bp[0-9a-f]{10}\b", "clip", svg)


@pytest.mark.slow
def test_every_figure_is_there_or_said_to_be_missing() -> None:
    for name in ("failover", "evacuation"):
        page = page_of(name)
        assert len(page.pictures) + len(page.missing) == len(FIGURES)
    assert not page_of("failover").missing
    assert any(line.startswith("Address log: ") for line in page_of("evacuation").missing)


def test_names_in_the_drawings_are_apart() -> None:
    html = render(page_of("failover"))
    clips = re.findall(r'<clipPath id="([^"]+)"', html)
    assert len(clips) == len(set(clips))
    assert set(re.findall(r'clip-path="url\(#([^)]+)\)"', html)) <= set(clips)


def test_a_broken_invariant_is_the_first_thing_to_see() -> None:
    html = render(page_of("broken"))
    assert '<p class="verdict broken">' in html
    assert '<p class="verdict sound">' in render(page_of("failover"))
    assert "IS BROKEN" in html


@pytest.mark.slow
def test_what_users_write_is_no_markup() -> None:
    scenario = OUTCOMES["failover"].with_(name="<script>alert(1)</script>", description="</pre><b>&")
    html = render(run_page(replace(outcome("failover"), scenario=scenario)))
    assert "<script>alert" not in html
    assert "</pre><b>" not in html
    assert "&lt;script&gt;alert" in html


@pytest.mark.slow
def test_long_tables_are_cut_off_and_say_so() -> None:
    events = outcome("failover").event_rows * 40
    assert len(events) > MOST_ROWS
    table = next(t for t in run_page(replace(outcome("failover"), event_rows=events)).tables if "Events" in t.title)
    assert len(table.rows) == MOST_ROWS
    assert f"{len(events):,}" in table.title


def test_the_scenario_runs_as_it_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "again.yaml"
    path.write_text(page_of("failover").scenario)
    assert vf.load(path).hash == outcome("failover").scenario.hash


def test_a_fragment_is_whole() -> None:
    table = Table("t", ("a", "b"), [[Cell("1 ms", 1e6), Cell("<x>", "<x>")]])
    page = Page("title", "head", True, [("seed", "1")], [Card("c", "v")], tables=[table], scenario="a: 1")
    checked(render_fragment(page))
    assert "&lt;x&gt;" in render_fragment(page)


@pytest.mark.parametrize("name", every(STUDIES))
def test_a_report_of_a_study_is_whole_and_fetches_nothing(name: str) -> None:
    html = render(report(name))
    checker = checked(html)
    assert not checker.fetched
    assert "url(http" not in html
    assert len(html) < 3_000_000
    assert "<b>sound" not in html
    clips = re.findall(r'<clipPath id="([^"]+)"', html)
    assert len(clips) == len(set(clips))
    assert all(len(row) == len(table.columns) for table in report(name).tables for row in table.rows)


@pytest.mark.slow
@pytest.mark.parametrize("name", every(STUDIES, ["replications"]))
def test_the_report_of_a_folder_is_that_of_the_study(name: str, tmp_path: Path) -> None:
    put(name, tmp_path)
    page = folder_page(tmp_path)
    assert replace(page, scenario="") == replace(report(name), scenario="")
    assert render(folder_page(tmp_path)) == render(page)
    page_path(tmp_path).write_text(render(page), encoding="utf-8")
    assert folder_page(tmp_path) == page


def test_the_page_of_a_sweep_leaves_its_folder_a_dataset(tmp_path: Path) -> None:
    put("sweep", tmp_path)
    page_path(tmp_path).write_text("<!DOCTYPE html>", encoding="utf-8")
    assert len(pd.read_parquet(tmp_path)) == 6


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("sweep", ["Failover latency", "Guest slowdown", "Work lost", "Trade-off"]),
        ("sweep of one key", ["Failover latency", "Guest slowdown", "Work lost", "Trade-off"]),
        ("sweep of three keys", ["Trade-off"]),
        ("sweep without failures", ["Guest slowdown"]),
        ("sweep of which nothing can be run", []),
        ("comparison", ["Side by side", "Slowdown"]),
    ],
)
def test_a_study_has_the_figures_that_there_is_something_to_show_in(name: str, titles: list[str]) -> None:
    assert [picture.title for picture in report(name).pictures] == titles


@pytest.mark.parametrize(
    ("name", "beginning"),
    [
        ("sweep of three keys", "Failover latency: shows 2 keys, and 3 vary"),
        ("sweep without failures", "Trade-off: no point of the sweep has both"),
    ],
)
def test_a_figure_that_a_study_has_not_is_said_to_be_missing(name: str, beginning: str) -> None:
    assert any(line.startswith(beginning) for line in report(name).missing)
    assert not any(": heat_map: " in line or ": pareto: " in line for line in report(name).missing)


@pytest.mark.parametrize(
    ("values", "titles"),
    [
        pytest.param((30, 33), ["Failover latency", "Work lost", "Trade-off"], marks=pytest.mark.slow),
        ((2, 700), ["Trade-off"]),
    ],
)
def test_the_report_of_a_large_sweep_is_small(values: tuple[int, int], titles: list[str]) -> None:
    keys = {f"key.{name}": [f"{at} us" for at in range(1, 1 + count)] for name, count in zip("ab", values, strict=True)}
    points = math.prod(values)
    found = sweep_of(keys, {name: [float(points + at) for at in range(points)] for name in SHOWN})
    page = sweep_report(found)
    assert [picture.title for picture in page.pictures if "slowdown" not in picture.title] == titles
    assert len(page.tables[0].rows) == MOST_POINTS
    assert page.tables[0].title == f"Points, the first {MOST_POINTS} of {points:,}"
    assert len(render(page)) < 3_000_000
    assert points <= MOST_CELLS or "1,400 points are more than the 1,000 that a page has room for" in page.missing[0]


@pytest.mark.parametrize("name", [name for name in STUDIES if "breaks" in name or "nothing" in name])
def test_what_went_wrong_in_a_study_is_told(name: str) -> None:
    page = report(name)
    assert not page.sound
    assert page.headline.startswith(("AN INVARIANT IS BROKEN", "2 points could not be run."))
    table = next(table for table in page.tables if "broke" in table.title.lower())
    assert len(table.rows) >= 1
    texts = " ".join(row[-1].text for row in table.rows)
    assert ("longer than the run" if "nothing" in name else "image") in texts


@pytest.mark.parametrize("name", every([name for name in STUDIES if "unfinished" in name], ["unfinished comparison"]))
def test_an_unfinished_study_says_so(name: str) -> None:
    assert "INTERRUPTED" in report(name).headline


def test_a_point_has_its_mean_and_its_interval_and_its_keys_sort() -> None:
    table, found = report("sweep").tables[0], made("sweep")
    assert table.columns[:4] == ("point", INTERVAL, "link.latency", "latency")
    row = table.rows[0]
    assert [cell.key for cell in row[:4]] == [0, 80_000, 2_000, found.frame["failover.latency_ns"][0]]
    assert row[3].text.startswith(duration(found.frame["failover.latency_ns"][0]) + " ±")
    assert [cell.key for cell in table.rows[4][:4]] == [4, 2e9, 2_000, ""]


def test_a_comparison_tells_differences_keys_and_what_is_impossible() -> None:
    page, found = report("comparison"), made("comparison")
    means, differences, keys = page.tables
    assert means.columns == ("", *found.names)
    assert differences.columns == ("", "output-compare")
    row = next(row for row in differences.rows if row[0].text == "guest: slowdown")
    difference = found.difference("output-compare", "guest.slowdown")
    assert row[1].key == difference.mean
    assert row[1].text.endswith(" *") == difference.certain
    assert [[cell.text for cell in row] for row in keys.rows] == [["replication.protocol", *found.names]]
    summary = dict(page.summary)
    assert summary["record-replay"].startswith("not possible here: ")
    assert found.remarks("output-compare")[0] in summary["output-compare"]


@pytest.mark.slow
def test_a_folder_of_several_runs_asks_for_one(tmp_path: Path) -> None:
    for name in ("one", "two"):
        export(outcome("failover"), tmp_path / name)
    with pytest.raises(vf.InputError, match=r"holds several folders; give one of them, such as .*one"):
        folder_page(tmp_path)


def test_a_folder_of_two_commands_is_refused(tmp_path: Path) -> None:
    export(outcome("failover"), tmp_path)
    put("replications", tmp_path)
    with pytest.raises(vf.InputError, match=r"run\.json and replications\.json; keep the files of one of them"):
        folder_page(tmp_path)


@pytest.mark.parametrize(("name", "remedy"), [("nowhere", "is not a folder; give one"), ("empty", "has none of")])
def test_a_folder_without_results_is_refused(name: str, remedy: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(vf.InputError, match=f"{name}: {remedy}"):
        folder_page(tmp_path / name)


@pytest.mark.parametrize("name", ["failover", "broken", "no checkpoint"])
def test_a_notebook_shows_a_run(name: str) -> None:
    html = outcome(name)._repr_html_()
    checked(html)
    assert outcome(name).scenario.name in html
    assert ('class="broken"' in html) == (name == "broken")


def test_a_notebook_shows_a_scenario() -> None:
    scenario = OUTCOMES["failover"]
    html = scenario._repr_html_()
    checked(html)
    assert scenario.hash[:12] in html
    assert "checkpoint_interval" in html


@pytest.mark.slow
def test_a_notebook_shows_studies() -> None:
    scenario = OUTCOMES["failover"]
    executor = InThisProcess()
    comparison = vf.compare({"one": scenario, "two": scenario}, replications=2, executor=executor)
    replications = vf.replicate(scenario, 2, executor=executor)
    sweep = vf.sweep(scenario, {"link.latency": ["20 us", "nonsense"]}, executor=executor)
    exploration = vf.explore(scenario, faults=["host-crash"], epochs=1, executor=executor)
    for study in (comparison, replications, sweep, exploration):
        html = study._repr_html_()
        checked(html)
        assert "Every promised invariant holds" in html
    latency = comparison.statistic("one", "failover.latency_ns").mean
    assert duration(latency) in comparison._repr_html_()
    assert "nonsense" in sweep._repr_html_()


@pytest.mark.slow
def test_a_prompt_shows_one_line() -> None:
    scenario, executor = OUTCOMES["failover"], InThisProcess()
    shown = [
        repr(outcome("failover")),
        repr(vf.compare({"one": scenario}, replications=1, executor=executor)),
        repr(vf.replicate(scenario, 1, executor=executor)),
        repr(vf.sweep(scenario, {"link.latency": ["20 us"]}, executor=executor)),
        repr(vf.explore(scenario, faults=["host-crash"], epochs=1, executor=executor)),
        repr(vf.check([scenario], replications=1, invariants_only=True, executor=executor)),
    ]
    for line in shown:
        assert len(line) < 300
        assert "\n" not in line
    assert "crashed at 6.30 ms" in shown[0]
