"""The page of a run: whole, safe, small, and the same for the same run."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import vmfailover as vf
from vmfailover.report.html.folder_page import folder_page
from vmfailover.report.html.page import Card, Cell, Page, Table, render, render_fragment
from vmfailover.report.html.run_page import FIGURES, MOST_ROWS, run_page
from vmfailover.report.quantities import duration
from vmfailover.results.export import export
from vmfailover.studies.executors import InThisProcess

from ..outcomes import OUTCOMES, outcome

#: Elements that need no end.
VOID = {"meta", "link", "br", "use", "path", "image", "rect", "stop"}


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


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_page_is_whole_and_fetches_nothing(name: str) -> None:
    html = render(run_page(outcome(name)))
    checker = checked(html)
    assert not checker.fetched
    assert "url(http" not in html
    assert len(html) < 3_000_000
    assert outcome(name).scenario.hash in html


def test_the_same_run_gives_the_same_page() -> None:
    assert render(run_page(outcome("failover"))) == render(run_page(outcome("failover")))


def test_a_page_of_a_saved_run_is_that_of_the_run(tmp_path: Path) -> None:
    export(outcome("failover"), tmp_path)
    page, saved = run_page(outcome("failover")), folder_page(tmp_path)
    assert saved.tables == page.tables
    assert saved.summary == page.summary
    assert [picture.svg for picture in saved.pictures] == [picture.svg for picture in page.pictures]


def test_every_figure_is_there_or_said_to_be_missing() -> None:
    for name in ("failover", "evacuation"):
        page = run_page(outcome(name))
        assert len(page.pictures) + len(page.missing) == len(FIGURES)
    assert not run_page(outcome("failover")).missing
    assert any(line.startswith("Address log: ") for line in run_page(outcome("evacuation")).missing)


def test_names_in_the_drawings_are_apart() -> None:
    html = render(run_page(outcome("failover")))
    clips = re.findall(r'<clipPath id="([^"]+)"', html)
    assert len(clips) == len(set(clips))
    assert set(re.findall(r'clip-path="url\(#([^)]+)\)"', html)) <= set(clips)


def test_a_broken_invariant_is_the_first_thing_to_see() -> None:
    html = render(run_page(outcome("broken")))
    assert '<p class="verdict broken">' in html
    assert '<p class="verdict sound">' in render(run_page(outcome("failover")))
    assert "IS BROKEN" in html


def test_what_users_write_is_no_markup() -> None:
    scenario = OUTCOMES["failover"].with_(name="<script>alert(1)</script>", description="</pre><b>&")
    html = render(run_page(replace(outcome("failover"), scenario=scenario)))
    assert "<script>alert" not in html
    assert "</pre><b>" not in html
    assert "&lt;script&gt;alert" in html


def test_long_tables_are_cut_off_and_say_so() -> None:
    events = outcome("failover").event_rows * 40
    assert len(events) > MOST_ROWS
    table = next(t for t in run_page(replace(outcome("failover"), event_rows=events)).tables if "Events" in t.title)
    assert len(table.rows) == MOST_ROWS
    assert f"{len(events):,}" in table.title


def test_the_scenario_runs_as_it_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "again.yaml"
    path.write_text(run_page(outcome("failover")).scenario)
    assert vf.load(path).hash == outcome("failover").scenario.hash


def test_a_fragment_is_whole() -> None:
    table = Table("t", ("a", "b"), [[Cell("1 ms", 1e6), Cell("<x>", "<x>")]])
    page = Page("title", "head", True, [("seed", "1")], [Card("c", "v")], tables=[table], scenario="a: 1")
    checked(render_fragment(page))
    assert "&lt;x&gt;" in render_fragment(page)


def test_a_folder_of_several_runs_asks_for_one(tmp_path: Path) -> None:
    for name in ("one", "two"):
        export(outcome("failover"), tmp_path / name)
    with pytest.raises(vf.InputError, match=r"holds several runs; give one of them, such as .*one"):
        folder_page(tmp_path)


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_without_a_run_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(vf.InputError, match=name):
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
        assert "Every invariant holds" in html or "No run breaks" in html
    latency = comparison.statistic("one", "failover.latency_ns").mean
    assert duration(latency) in comparison._repr_html_()
    assert "nonsense" in sweep._repr_html_()


def test_a_prompt_shows_one_line() -> None:
    scenario, executor = OUTCOMES["failover"], InThisProcess()
    shown = [
        repr(outcome("failover")),
        repr(vf.compare({"one": scenario}, replications=1, executor=executor)),
        repr(vf.replicate(scenario, 1, executor=executor)),
        repr(vf.sweep(scenario, {"link.latency": ["20 us"]}, executor=executor)),
        repr(vf.explore(scenario, faults=["host-crash"], epochs=1, executor=executor)),
        repr(vf.check([scenario], replications=1, executor=executor)),
    ]
    for line in shown:
        assert len(line) < 300
        assert "\n" not in line
    assert "crashed at 6.30 ms" in shown[0]
