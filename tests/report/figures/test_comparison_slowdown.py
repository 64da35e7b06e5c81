"""What slows the guest down, side by side."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from matplotlib.container import BarContainer
from scenarios_for_tests import minute

from vmfailover import compare
from vmfailover.report.chance import PARTIAL, SINGLE_DRAWS
from vmfailover.results.quantities import share
from vmfailover.studies.comparison import Comparison, under_protocols
from vmfailover.studies.executors import InThisProcess

from ..legibility import bytes_of, legend, require_legible, words

CAUSES = tuple(f"guest.{cause}_fraction" for cause in ("pause", "early_copy", "stall", "fault"))


@cache
def compared(replications: int = 2) -> Comparison:
    columns, _ = under_protocols(minute(), ["cacheline-flags", "page-write-protect", "undo-log"])
    return compare(columns, replications=replications, executor=InThisProcess())


def test_parts_and_the_whole_are_those_of_the_comparison() -> None:
    axes = compared().plot.slowdown()
    figure = require_legible(axes)
    stacked = [each for each in axes.containers if isinstance(each, BarContainer)]
    for bars, metric in zip(stacked, CAUSES, strict=True):
        means = [compared().statistic(name, metric).mean or 0.0 for name in compared().names]
        np.testing.assert_allclose([bar.get_width() for bar in bars.patches], np.array(means) * 100)
    totals = {share(compared().statistic(name, "guest.slowdown").mean) for name in compared().names}
    assert totals <= set(words(figure))
    assert axes.get_xlabel() == "slowdown of the guest (%)"
    assert [label.get_text() for label in axes.get_yticklabels()] == list(compared().names)


def test_a_slowdown_that_a_run_lacks_is_marked() -> None:
    """Such as one that failed."""
    whole = compared()
    failed = replace(whole.runs[-1], values={}, error="no room")
    shown = words(require_legible(replace(whole, runs=(*whole.runs[:-1], failed)).plot.slowdown()))
    assert [text.endswith(PARTIAL) for text in shown if text.endswith(("%", PARTIAL))] == [False, False, True]


def test_causes_are_told_in_words() -> None:
    entries = legend(require_legible(compared().plot.slowdown()))
    assert len(entries) == 5
    assert "stopped for checkpoints" in entries


@pytest.mark.parametrize(("replications", "title"), [(1, SINGLE_DRAWS), (2, "means of 2 replications")])
def test_the_title_says_how_many_runs(replications: int, title: str) -> None:
    assert require_legible(compared(replications).plot.slowdown()).get_suptitle().endswith(title)


def test_the_same_twice(tmp_path: Path) -> None:
    first, second = (bytes_of(compared().plot.slowdown(), tmp_path / name) for name in ("a.png", "b.png"))
    assert first == second
