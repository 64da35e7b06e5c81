"""What an exploration has covered, as a figure."""

import io
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle
from rich.console import Console
from scenarios_for_tests import minute

from vmfailover.report.exploration_table import print_exploration
from vmfailover.report.figures.canvas import ALARM
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.exploration import FAULTS, Exploration, Explored, Fault, Point, explore

from ..legibility import bytes_of, legend, require_legible, words


@cache
def explored() -> Exploration:
    return explore(minute("no-failure"), epochs=1, executor=InThisProcess())


def struck(phase: str, outcome: str, latency_ns: int | None = None, *violations: str) -> Explored:
    return Explored(Point((Fault("host-crash", "primary", 1),), phase), outcome, latency_ns, violations)


def made(*results: Explored) -> Exploration:
    return Exploration(minute("no-failure"), 1, results)


def drawn_in(axes: Axes) -> float:
    return sum(bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle))


@pytest.mark.slow
def test_every_run_is_in_the_panel_of_its_fault() -> None:
    axes = explored().plot.coverage()
    figure = require_legible(axes)
    assert [panel.get_title("left") for panel in figure.axes] == [*FAULTS, "failover latency"]
    for panel, fault in zip(figure.axes, FAULTS, strict=False):
        assert drawn_in(panel) == sum(each.point.faults[-1].name == fault for each in explored().results)
        assert panel.get_xlabel() == "runs (number)"
    phases = list(dict.fromkeys(each.point.phase for each in explored().results))
    assert [label.get_text() for label in axes.get_yticklabels()] == phases
    assert set(legend(figure)[:-1]) == {each.outcome for each in explored().results}
    assert "Every promised invariant holds" in figure.get_suptitle().replace("\n", " ")


def test_the_latencies_of_a_phase_are_its_box() -> None:
    figure = require_legible(
        made(*(struck("pause", "taken over", round(ms * 1e6)) for ms in (1, 2, 2, 2, 9))).plot.coverage()
    )
    panel = figure.axes[-1]
    assert panel.get_xlabel() == "latency (ms)"
    whiskers = [line for line in panel.get_lines() if line.get_marker() != "o"]
    drawn = np.concatenate([np.asarray(line.get_xdata(), float) for line in whiskers])
    assert (drawn.min(), drawn.max()) == pytest.approx((1, 9))
    assert 2 in drawn.round(6)


def test_broken_invariants_are_counted_in_the_colour_of_alarm() -> None:
    axes = made(
        struck("pause", "taken over", 10**6, "image: differs"),
        struck("pause", "no service"),
        struck("commit", "failed", None, "ZeroDivisionError"),
        struck("scan", "ran on"),
    ).plot.coverage()
    figure = require_legible(axes)
    alarms = [text.get_text() for text in axes.texts if to_rgb(text.get_color()) == to_rgb(ALARM)]
    assert alarms == ["✗ 1 of 2", "✗ 1 of 1"]
    assert "broke an invariant" in legend(figure)
    assert figure.get_suptitle().replace("\n", " ").endswith("2 of 4 broke an invariant; 1 of 4 end without service")


def printed(found: Exploration, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_exploration(found, console)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_runs_without_service_are_told_beside_invariants_that_hold() -> None:
    found = made(struck("pause", "no service"), struck("pause", "no service"), struck("scan", "ran on"))
    told = "Every promised invariant holds; 2 of 3 end without service"
    assert require_legible(found.plot.coverage()).get_suptitle().replace("\n", " ").endswith(told)
    assert f"3 runs, faults around every event of 1 epoch. {told}." in printed(found, 120)


def test_names_of_faults_are_broken_after_hyphens_and_colons() -> None:
    fault = Fault("hypervisor-hang", "primary", 1)
    found = made(*(Explored(Point((fault,), "pause"), "ran on", None, ()) for _ in range(2)))
    words_printed = printed(found, 30).split()
    assert {"hypervisor-", "hang"} <= set(words_printed)


def test_runs_are_counted_in_whole_numbers() -> None:
    axes = made(struck("pause", "ran on")).plot.coverage()
    ticks = axes.get_xticks()
    assert len(ticks) >= 2
    assert ticks == pytest.approx(ticks.round())


def test_outcomes_differ_in_more_than_colour() -> None:
    axes = made(
        *(struck("pause", outcome) for outcome in ("taken over", "alone", "ran on", "no service"))
    ).plot.coverage()
    looks = [(bar.get_hatch(), bar.get_facecolor()) for bar in axes.patches]
    assert len({hatch for hatch, _ in looks}) == 4


def test_without_a_failover_there_is_no_panel_of_latencies() -> None:
    figure = require_legible(made(struck("pause", "alone")).plot.coverage())
    assert [panel.get_title("left") for panel in figure.axes] == ["host-crash"]
    assert not [text for text in words(figure) if "latency" in text]


@pytest.mark.slow
def test_the_same_twice(tmp_path: Path) -> None:
    first, second = (bytes_of(explored().plot.coverage(), tmp_path / name) for name in ("a.png", "b.png"))
    assert first == second
