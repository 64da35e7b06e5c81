"""The table and the page of a sweep."""

import io
from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from vmfailover.report.chance import PARTIAL, PARTIAL_MEANS
from vmfailover.report.html.study_pages import sweep_page
from vmfailover.report.sweep_table import print_sweep
from vmfailover.studies.sweep import Sweep

from .figures.sweeps import made

LATENCY = "failover.latency_ns"


def swept(known: Sequence[int]) -> Sweep:
    return made({"a": ["x", "y"]}, {LATENCY: [20e6, 30e6]}, known={LATENCY: known})


def printed(found: Sweep, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    print_sweep(found, Console(file=file, width=120, highlight=False))
    file.seek(0)
    return file.read()


def test_a_mean_of_a_part_of_the_runs_is_marked_and_explained() -> None:
    text = printed(swept([1, 4]))
    assert f"20.0 ms{PARTIAL}" in text
    assert "30.0 ms\n" in text
    assert f"{PARTIAL_MEANS}; the columns METRIC.n count them" in text
    assert "20.0 ms^" in printed(swept([1, 4]), "ascii")
    page = sweep_page(swept([1, 4]))
    assert [row[-1].text for row in page.tables[0].rows] == [f"20.0 ms{PARTIAL} ±0 ns (1 of 4 runs)", "30.0 ms ±0 ns"]
    assert PARTIAL_MEANS in page.headline


def test_heads_of_columns_say_what_a_metric_is_of() -> None:
    head = [line.split()[-1] for line in printed(swept([4, 4])).splitlines()[:2]]
    assert head == ["failover", "latency"]


def test_a_mean_of_all_runs_has_no_mark() -> None:
    assert PARTIAL not in printed(swept([4, 4]))
    assert PARTIAL not in sweep_page(swept([4, 4])).headline


def test_what_is_remarked_of_points_is_told_once() -> None:
    found = swept([4, 4])
    remarked = replace(found, frame=found.frame.assign(remark=["the end is near"] * 2))
    assert printed(remarked).count("at 2 points, the end is near") == 1
    assert "At 2 points, the end is near." in sweep_page(remarked).headline
