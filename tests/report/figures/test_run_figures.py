"""The figures of a run: each can be read for every outcome, and shows the numbers of the result."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from marks import mostly_slow
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.patches import Rectangle, StepPatch

import vmfailover as vf
from vmfailover.report.figures.canvas import balanced, svg
from vmfailover.report.html.run_page import FIGURES
from vmfailover.results.quantities import counted, percentiles
from vmfailover.scenario.checks import log_bytes, log_capacity
from vmfailover.studies.dirty_set import GRANULARITIES

from ..legibility import require_legible, words
from ..outcomes import OUTCOMES, outcome

METHODS = [method for method, _, _ in FIGURES if method != "timeline"]
#: Figures that an outcome has nothing to show in.
WITHOUT = {
    ("early failure", "epoch_anatomy"),
    ("failure without clients", "latency_distribution"),
    ("no failure, no clients", "latency_distribution"),
    ("no checkpoint", "epoch_anatomy"),
    ("no checkpoint", "latency_distribution"),
    ("false alarm", "epoch_anatomy"),
    ("false alarm without fencing", "epoch_anatomy"),
    ("evacuation", "flagged_rows"),
    ("evacuation", "log_occupancy"),
    ("outputs compared", "flagged_rows"),
    ("outputs compared", "log_occupancy"),
}


def drawn(name: str, method: str) -> Axes:
    axes = getattr(outcome(name).plot, method)()
    assert isinstance(axes, Axes)
    return axes


def test_every_figure_of_the_report_is_listed() -> None:
    methods = {name for name in dir(outcome("failover").plot) if not name.startswith("_")}
    assert methods == {method for method, _, _ in FIGURES}


#: Outcomes of which every figure is drawn by the quick tests: with all there is to see, and with the least.
QUICK = ("failover", "no failure, no clients", "stalled")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in OUTCOMES]
)
def test_a_figure_can_be_read_or_says_why_it_is_not_there(name: str, method: str) -> None:
    if (name, method) in WITHOUT:
        with pytest.raises(vf.InputError) as caught:
            drawn(name, method)
        assert "\n" not in str(caught.value)
        return
    axes = drawn(name, method)
    require_legible(axes)
    assert axes.figure.axes[-1 if method == "epoch_anatomy" else 0].get_xlabel()
    assert axes.get_ylabel() or method == "slowdown"


@pytest.mark.parametrize("method", mostly_slow(METHODS, "flagged_rows"))
def test_the_same_result_gives_the_same_bytes(method: str) -> None:
    assert svg(drawn("failover", method), method) == svg(drawn("failover", method), method)


@pytest.mark.parametrize("method", ["log_occupancy", "link_utilisation", "flagged_rows"])
def test_a_run_without_samples_says_so(method: str) -> None:
    result = replace(outcome("failover"), sample_rows=())
    with pytest.raises(vf.InputError, match="samples"):
        getattr(result.plot, method)()


def test_the_anatomy_adds_up_to_the_pause_and_to_the_commit() -> None:
    pauses, commits = drawn("failover", "epoch_anatomy").figure.axes
    for row in outcome("failover").epoch_rows:
        if row.committed_ns >= 0:
            assert _reaches(pauses, row.epoch, (row.resumed_ns - row.paused_ns) / 1e3)
            assert _reaches(commits, row.epoch, (row.committed_ns - row.paused_ns) / 1e6)


def test_a_look_means_one_thing_in_the_anatomy() -> None:
    looks = [
        {(each.get_hatch(), str(np.asarray(each.get_facecolor())[0])) for each in axes.collections}
        for axes in drawn("failover", "epoch_anatomy").figure.axes
    ]
    assert len(looks) == 2
    assert not looks[0] & looks[1]


def test_lines_of_a_title_are_about_as_long_as_one_another() -> None:
    assert balanced("one two three four five six", 23) == ["one two three", "four five six"]
    assert balanced("cacheline-flags here", 15) == ["cacheline-flags", "here"]
    assert balanced("short", 80) == ["short"]


def test_the_anatomy_of_many_epochs_is_one_of_means() -> None:
    row = next(row for row in outcome("failover").epoch_rows if row.committed_ns >= 0)
    rows = tuple(replace(row, epoch=number, resumed_ns=row.resumed_ns + 1000 * (number % 2)) for number in range(1000))
    axes = replace(outcome("failover"), epoch_rows=rows).plot.epoch_anatomy()
    assert "in means of 9," in require_legible(axes).get_suptitle()
    mean = (row.resumed_ns - row.paused_ns) / 1e3 + 0.5
    assert _reaches(axes, 40, mean) or _reaches(axes, 40, mean - 0.5 / 9) or _reaches(axes, 40, mean + 0.5 / 9)


def _reaches(axes: Axes, epoch: int, height: float) -> bool:
    """Whether what is stacked above an epoch ends at this height."""
    paths = [path for each in axes.collections for path in each.get_paths()]
    return any(path.contains_point((epoch, 0.999 * height)) for path in paths) and not any(
        path.contains_point((epoch, 1.001 * height)) for path in paths
    )


def test_the_log_is_as_full_as_the_samples_say() -> None:
    result = outcome("stalled")
    axes = drawn("stalled", "log_occupancy")
    top = max(np.asarray(path.vertices)[:, 1].max() for each in axes.collections for path in each.get_paths())
    assert top == pytest.approx(100 * max(s.log_entries for s in result.sample_rows) / log_capacity(result.scenario))
    assert log_capacity(result.scenario) * 8 < log_bytes(result.scenario)


def test_the_guard_band_is_shown_where_there_is_one() -> None:
    assert any("guard band" in text for text in words(drawn("failover", "log_occupancy")))
    assert not any("guard band" in text for text in words(drawn("stalled", "log_occupancy")))


def test_the_link_carries_what_was_sent() -> None:
    result = outcome("no failure")
    steps = next(each for each in drawn("no failure", "link_utilisation").patches if isinstance(each, StepPatch))
    values, edges, _ = steps.get_data()
    busy_ns = float(np.sum(values * np.diff(edges)) / 100 * 1e6)
    assert busy_ns == pytest.approx(result.sample_rows[-1].forward_busy_ns, rel=0.02)


@pytest.mark.parametrize("name", ["failover", "unfinished failover"])
def test_response_times_are_those_of_the_metrics_phase_by_phase(name: str) -> None:
    values, legend = outcome(name).values, drawn(name, "latency_distribution").get_legend()
    assert legend is not None
    phases = [each for each in ("before", "across", "after") if values[f"client.{each}.requests"]]
    assert len(phases) >= 2
    assert [text.get_text() for text in legend.get_texts()] == [
        f"{each} the outage: {counted(values[f'client.{each}.requests'], 'request')}\n"
        f"{percentiles(values, f'client.{each}.latency', number=values[f'client.{each}.requests'])}"
        for each in phases
    ]


def test_a_line_of_response_times_without_an_end_has_an_arrow() -> None:
    result = outcome("unfinished failover")
    lines = drawn("unfinished failover", "latency_distribution").get_lines()
    arrows = [line for line in lines if line.get_marker() == ">"]
    assert result.values["client.across.unanswered"]
    longest_ns = max(result.end_ns - each.sent_ns for each in result.requests if each.received_ns is None)
    assert max(float(np.asarray(line.get_xdata())[0]) for line in arrows) == pytest.approx(longest_ns / 1e6)
    highest = max(float(np.asarray(line.get_ydata())[-1]) for line in arrows)
    assert highest < 1


def test_the_slowdown_is_as_long_as_the_metric() -> None:
    bars = [each for each in drawn("failover", "slowdown").patches if isinstance(each, Rectangle)]
    slowdown = outcome("failover").values["guest.slowdown"]
    assert slowdown is not None
    assert sum(bar.get_width() for bar in bars) == pytest.approx(100 * slowdown, rel=0.02)


def test_the_heat_map_shows_every_sample_but_while_the_vm_is_nowhere() -> None:
    result = outcome("failover")
    mesh = next(each for each in drawn("failover", "flagged_rows").collections if isinstance(each, QuadMesh))
    shares = mesh.get_array()
    assert shares is not None
    assert shares.shape[1] == len(result.sample_rows) - 1
    down, up = (next(e.time_ns for e in result.event_rows if e.kind == kind) for kind in ("down", "takeover"))
    nowhere = [down <= sample.time_ns < up for sample in result.sample_rows[:-1]]
    assert np.ma.getmaskarray(np.ma.masked_invalid(shares))[0].tolist() == nowhere


def test_coarser_units_and_longer_intervals_hold_more() -> None:
    lines = [line.get_ydata() for line in drawn("no failure", "dirty_set_growth").lines[: len(GRANULARITIES)]]
    grown = np.array(lines, float)
    assert (np.diff(grown, axis=0) >= 0).all()
    assert (np.diff(grown, axis=1) >= -1e-9).all()


def test_a_trace_that_is_gone_is_named(tmp_path: Path) -> None:
    shutil.copytree("scenarios", tmp_path / "scenarios")
    path = tmp_path / "scenarios" / "quickstart-short.yaml"
    result = vf.run(vf.load(path, ["duration=2 ms", "failures=[]"]))
    (tmp_path / "scenarios" / "traces" / "redis-set.parquet").unlink()
    with pytest.raises(vf.InputError, match=r"redis-set\.parquet"):
        result.plot.dirty_set_growth()


def test_outages_are_shaded_from_the_crash_to_the_takeover() -> None:
    result, axes = outcome("failover"), drawn("failover", "link_utilisation")
    shade = next(each for each in axes.patches if isinstance(each, Rectangle))
    down, up = (next(e.time_ns for e in result.event_rows if e.kind == kind) for kind in ("down", "takeover"))
    assert (shade.get_x(), shade.get_width()) == pytest.approx((down / 1e6, (up - down) / 1e6))
    assert "crash" in words(axes)
