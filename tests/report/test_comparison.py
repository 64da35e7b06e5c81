"""The tables and the picture of a comparison."""

import io
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from marks import mostly_slow
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from rich.console import Console
from scenarios_for_tests import brief

from vmfailover import compare
from vmfailover.records.metric_names import bound_name
from vmfailover.report.chance import PARTIAL, PARTIAL_MEANS
from vmfailover.report.comparison_rows import ROWS
from vmfailover.report.comparison_table import print_comparison
from vmfailover.report.figures.comparison_bars import comparison_bars, save_comparison
from vmfailover.report.html.study_pages import means as means_of
from vmfailover.studies.comparison import Comparison, all_protocols, under_protocols
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.runs import StudyRun

from .legibility import require_legible, words


@cache
def compared(*names: str) -> Comparison:
    scenario = brief(failures=[{"at": "2200 us", "kind": "host-crash", "target": "primary"}])
    scenario = scenario.with_(**{"replication.restart.boot": "300 us", "replication.precopy.lead": "1 ms"})
    columns, _ = under_protocols(scenario, names or all_protocols())
    return compare(columns, replications=2, executor=InThisProcess())


def printed(comparison: Comparison, width: int, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    print_comparison(comparison, Console(file=file, width=width, highlight=False))
    file.seek(0)
    return file.read()


@pytest.mark.parametrize("width", mostly_slow([60, 80, 120, 200], 60))
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    text = printed(compared(), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text


def test_every_protocol_has_its_column_with_every_row() -> None:
    text = printed(compared(), 200)
    head = text.split("failover")[0].replace("\n", " ")
    for name in all_protocols():
        for part in name.split("-"):
            assert part in head
    for label in ("latency", "detection", "work", "slowdown", "commit p50", "client p99", "bandwidth", "memory"):
        assert label in text


def surviving(*latencies: float | None) -> Comparison:
    """Two columns, the second with these failover latencies."""
    columns = {"always": (30e6,) * len(latencies), "seldom": latencies}
    runs = [
        StudyRun(name, n, n, {"failover.latency_ns": latency, "guest.slowdown": 0.1})
        for name, each in columns.items()
        for n, latency in enumerate(each)
    ]
    return Comparison(dict.fromkeys(columns, brief()), "always", len(latencies), tuple(runs))


def test_a_mean_of_a_part_of_the_runs_wins_nothing_and_is_marked() -> None:
    comparison = surviving(20e6, 20e6, None, None, None)
    assert comparison.winners("failover.latency_ns") == ("always",)
    text = printed(comparison, 80)
    (means,) = (line for line in text.split("Differences")[0].splitlines() if line.startswith("  latency"))
    (difference,) = (line for line in text.split("Differences")[1].splitlines() if line.startswith("  latency"))
    assert means.split() == ["latency", "30.0", "ms*", "20.0", f"ms{PARTIAL}"]
    assert difference.endswith(PARTIAL)
    assert f"all: {PARTIAL_MEANS}, and it wins nothing" in " ".join(text.split())
    assert "seldom: failover latency of 2 of 5 replications" in text
    assert f"{PARTIAL} 2 of 5" in words(require_legible(comparison_bars(comparison)))
    assert "20.0 ms†" in [cell.text for row in means_of(comparison).rows for cell in row]


def latencies(**columns: Sequence[float]) -> Comparison:
    """Columns with these failover latencies, of which those below zero are lower bounds."""
    runs = [
        StudyRun(name, n, n, {LATENCY if value >= 0 else bound_name(LATENCY): abs(value), "loss.work_ns": 0})
        for name, each in columns.items()
        for n, value in enumerate(each)
    ]
    number = len(next(iter(columns.values())))
    return Comparison(dict.fromkeys(columns, brief()), next(iter(columns)), number, tuple(runs))


LATENCY = "failover.latency_ns"


def test_a_bar_of_runs_that_were_cut_off_is_open() -> None:
    figure = require_legible(comparison_bars(latencies(whole=(30e6, 31e6), cut=(-20e6, -21e6))))
    assert [text for text in words(figure.axes[0]) if "≥" in text] == ["≥ →"]
    assert "≥: at least, as the run ended before" in figure.get_suptitle().replace("\n", " ")
    whole = require_legible(comparison_bars(latencies(whole=(30e6, 31e6))))
    assert "≥" not in " ".join(words(whole)) + whole.get_suptitle()


def test_nothing_is_a_written_nought_and_what_is_unknown_a_dash() -> None:
    work, slowdown = require_legible(comparison_bars(latencies(whole=(30e6, 31e6)))).axes[1:3]
    assert "0" in [text.get_text() for text in work.texts]
    assert "–" in [text.get_text() for text in slowdown.texts]


def test_an_interval_that_a_logarithmic_axis_cuts_has_an_arrow() -> None:
    figure = require_legible(comparison_bars(latencies(narrow=(1e9, 1.01e9), wide=(1e6, 3e6))))
    axes = figure.axes[0]
    assert axes.get_xscale() == "log"
    arrows = [line for line in axes.get_lines() if line.get_marker() == "<"]
    assert [np.asarray(line.get_ydata()).tolist() for line in arrows] == [[1]]


def test_a_mean_of_all_runs_has_no_mark() -> None:
    comparison = surviving(20e6, 20e6, 20e6, 20e6, 20e6)
    assert comparison.winners("failover.latency_ns") == ("seldom",)
    assert PARTIAL not in printed(comparison, 80)
    assert PARTIAL not in " ".join(words(require_legible(comparison_bars(comparison))))


def test_too_little_time_before_the_end_is_remarked() -> None:
    crash = {"at": "2200 us", "kind": "host-crash", "target": "primary"}
    comparison = compare([brief(failures=[crash], duration="2300 us")], replications=2, executor=InThisProcess())
    assert "replications move the failures by up to 100 µs instead of" in printed(comparison, 200)
    assert "replications move the failures" not in printed(replace(comparison, replications=1), 200)


def test_winners_are_marked() -> None:
    comparison = compared("cacheline-flags", "page-write-protect")
    lines = printed(comparison, 80).split("Differences")[0].splitlines()
    marked = {row.metric: line.count("*") for row in ROWS for line in lines if line.startswith(f"  {row.label} ")}
    assert marked
    assert marked == {metric: len(comparison.winners(metric)) for metric in marked}
    assert 1 in marked.values()


def test_ascii_is_enough() -> None:
    text = printed(compared("cacheline-flags", "record-replay"), 80, "ascii")
    assert text.isascii()
    assert "latency" in text
    assert "?" not in text


def test_remarks_and_what_is_impossible_are_told() -> None:
    comparison = compared("cacheline-flags", "output-compare")
    text = printed(comparison, 200)
    assert f"output-compare: {comparison.remarks('output-compare')[0]}" in text


@pytest.mark.slow
def test_the_picture_has_a_panel_for_each_question_and_a_bar_for_each_column(tmp_path: Path) -> None:
    figure = comparison_bars(compared()).figure
    assert isinstance(figure, Figure)
    assert len(figure.axes) == 6
    assert all(axes.get_xlabel() and axes.get_title("left") for axes in figure.axes)
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == all_protocols()
    paths = [tmp_path / name for name in ("a.png", "b.png")]
    for path in paths:
        save_comparison(compared(), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_no_bar_and_no_interval_of_the_picture_is_below_zero() -> None:
    comparison = compared("cacheline-flags", "output-compare")
    figure = require_legible(comparison_bars(comparison))
    assert all(axes.get_xlim()[0] >= 0 for axes in figure.axes)
    (slowdown,) = (axes for axes in figure.axes if axes.get_title("left") == "slowdown of the guest")
    found = comparison.statistic("cacheline-flags", "guest.slowdown")
    bars = [bar for bar in slowdown.patches if isinstance(bar, Rectangle)]
    whole = max(bar.get_x() + bar.get_width() for bar in bars if bar.get_y() < 0)
    assert whole == pytest.approx(100 * (found.mean or 0))
