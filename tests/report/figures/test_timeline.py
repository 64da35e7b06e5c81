"""The timeline of a run: what it shows of each outcome, and that all of it can be read."""

import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from marks import mostly_slow
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.patches import StepPatch

from vmfailover.report.figures.looks import Span
from vmfailover.report.figures.story import MS, Story
from vmfailover.report.figures.timeline import LINK_LANE, save_timeline, timeline
from vmfailover.results.outcome import headline
from vmfailover.results.quantities import duration

from .. import legibility
from ..legibility import cut_off, overlapping, require_legible, words
from ..outcomes import INTERRUPTED, OUTCOMES, QUICK_OUTCOMES, outcome

EVERY = mostly_slow([*OUTCOMES, INTERRUPTED], *QUICK_OUTCOMES)
WITH_CRASH = [
    "failover",
    "early failure",
    "late failure",
    "unfinished failover",
    "failure without clients",
    "slow link",
]


@cache
def drawn(name: str) -> Figure:
    """Return the picture of an outcome, every part in its place."""
    return legibility.drawn(timeline(outcome(name)))


def panel(name: str, title: str) -> Axes:
    return next(axes for axes in drawn(name).axes if axes.get_title("left").startswith(title))


def legend(name: str) -> list[str]:
    return legibility.legend(drawn(name))


@pytest.mark.parametrize("name", EVERY)
def test_no_text_covers_another(name: str) -> None:
    assert not overlapping(drawn(name))


@pytest.mark.parametrize("name", EVERY)
def test_every_text_is_on_the_picture(name: str) -> None:
    assert not cut_off(drawn(name))


@pytest.mark.parametrize("name", EVERY)
def test_every_axis_has_its_unit(name: str) -> None:
    axes = drawn(name).axes
    assert axes[-1].get_xlabel() == "time (ms)"
    labels = [axis.get_ylabel().replace("\n", " ") for axis in axes[1:-1] if axis.get_ylabel()]
    assert labels in ([], ["response time (ms)"], ["response time (ms, logarithmic)"])
    assert [label.get_text() for label in axes[0].get_yticklabels()] == ["secondary", "primary"]
    assert [label.get_text() for label in axes[-1].get_yticklabels()] == ["secondary", "link", "primary"]


@pytest.mark.parametrize("name", EVERY)
def test_the_title_is_the_verdict(name: str) -> None:
    title = drawn(name).get_suptitle().replace("\n", " ")
    assert title == f"{outcome(name).scenario.name}: {headline(outcome(name))}"


@pytest.mark.parametrize("name", EVERY)
def test_the_whole_run_is_shown(name: str) -> None:
    axes = drawn(name).axes[0]
    assert axes.get_xlim() == pytest.approx((0, outcome(name).end_ns / 1e6))


@pytest.mark.parametrize("name", WITH_CRASH)
def test_a_crash_is_marked_and_its_loss_is_that_of_the_metrics(name: str) -> None:
    detail = words(panel(name, "the last epochs of the primary"))
    lost = f"{duration(outcome(name).values['loss.work_ns'])} of work lost"
    assert any(text == lost or text.startswith(f"{lost} (") for text in detail)
    assert "crash" in detail
    assert "crash" in words(panel(name, "the whole run"))


@pytest.mark.parametrize("name", WITH_CRASH)
def test_an_arrow_longer_than_the_work_says_why(name: str) -> None:
    story = Story(outcome(name))
    assert story.lost is not None
    elapsed, work = duration(story.lost.length / MS), duration(outcome(name).values["loss.work_ns"])
    detail = words(panel(name, "the last epochs of the primary"))
    assert (f"{work} of work lost ({elapsed} less pauses)" in detail) == (elapsed != work)


def test_the_lane_of_the_link_shows_early_lines_too() -> None:
    result, detail = outcome("failover"), panel("failover", "the last epochs of the primary")
    use = next(each for each in detail.patches if isinstance(each, StepPatch))
    assert use.get_facecolor() == to_rgba(Span.BUSY.value.colour)
    low, high = LINK_LANE
    values, edges, _ = use.get_data()
    shares = (np.asarray(values) - low) / (high - low)
    lengths = np.diff(np.asarray(edges))
    samples = result.sample_rows
    busy_ns = samples[-1].forward_busy_ns - samples[0].forward_busy_ns
    assert float(np.sum(shares * lengths)) == pytest.approx(busy_ns * MS)
    assert Span.BUSY.value.label in legend("failover")
    assert Span.BUSY.value.label not in legibility.legend(replace(result, sample_rows=()).plot.timeline().figure)


def test_answers_that_do_not_wait_after_the_takeover_are_said_to() -> None:
    title = panel("failover", "responses").get_title("left")
    assert title.endswith("after the takeover the VM is unprotected: answers do not wait for a commit")
    assert panel("late failure", "responses").get_title("left") == "responses that clients received"


def test_a_blackout_whose_end_was_not_seen_is_a_lower_bound() -> None:
    gap = duration(outcome("unfinished failover").values["client.blackout_ns"])
    shown = words(panel("unfinished failover", "responses"))
    assert {f"blackout\n≥ {gap}", f"blackout ≥ {gap}"} & set(shown)


@pytest.mark.parametrize("name", ["no failure", "failure that never came", "no failure, no clients", INTERRUPTED])
def test_nothing_is_lost_without_a_failure(name: str) -> None:
    shown = words(drawn(name))
    assert not {"crash", "fenced"} & set(shown)
    assert not [text for text in shown if "lost" in text or "blackout" in text]
    assert not {"detecting", "fencing", "applying", "activating"} & set(legend(name))


def test_a_false_alarm() -> None:
    assert "fenced" in words(panel("false alarm", "the whole run"))
    assert "crash" not in words(drawn("false alarm"))
    assert {"fencing", "activating"} <= set(legend("false alarm"))
    assert "detecting" not in legend("false alarm")


def test_the_legend_names_what_there_is() -> None:
    assert {"detecting", "fencing", "activating", "commit", "check of the flags"} <= set(legend("failover"))
    assert {"detecting", "fencing"} <= set(legend("unfinished failover"))
    assert "commit" not in legend("no checkpoint")


def test_the_blackout_is_that_of_the_metrics() -> None:
    gap = duration(outcome("failover").values["client.blackout_ns"])
    assert f"blackout\n{gap}" in words(panel("failover", "responses"))


@pytest.mark.parametrize("name", ["failure without clients", "no failure, no clients"])
def test_without_clients_there_is_no_panel_of_responses(name: str) -> None:
    assert len(drawn(name).axes) == 2
    assert drawn(name).axes[0].get_xlabel() == "time (ms)"


def test_every_response_is_shown() -> None:
    responses = outcome("failover").responses
    line = panel("failover", "responses").get_lines()[0]
    assert np.asarray(line.get_xdata()) == pytest.approx([response.received_ns / 1e6 for response in responses])
    latencies = [(response.received_ns - response.sent_ns) / 1e6 for response in responses]
    assert np.asarray(line.get_ydata()) == pytest.approx(latencies)


def test_the_commits_before_the_failure_are_named() -> None:
    rows = [row for row in outcome("failover").epoch_rows if row.committed_ns >= 0]
    assert f"epoch {rows[-1].epoch} committed" in words(panel("failover", "the last epochs"))


def test_the_file_is_a_picture_and_the_same_twice(tmp_path: Path) -> None:
    digests = set()
    for name in ("first.png", "second.png"):
        save_timeline(outcome("failover"), tmp_path / name)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    assert imread(tmp_path / "first.png").shape[:2] == (600, 1200)


def test_a_failover_too_short_to_be_seen_has_a_panel_of_its_own() -> None:
    found = outcome("failover")
    story = Story(found)
    took = (story.instant("takeover") or 0) - (story.down or 0)
    assert took > 0
    end_ns = round(30 * took / MS)
    titles = [axes.get_title("left") for axes in legibility.drawn(replace(found, end_ns=end_ns).plot.timeline()).axes]
    assert titles.count("the failover in detail") == 1
    panels = require_legible(replace(found, end_ns=end_ns).plot.timeline()).axes
    low, high = panels[titles.index("the failover in detail")].get_xlim()
    assert high - low == pytest.approx(1.4 * took)
    assert low < (story.down or 0) < high
    assert "the failover in detail" not in words(legibility.drawn(replace(found, end_ns=end_ns // 2).plot.timeline()))
