"""The instants that a timeline shows: they are those of the metrics."""

from itertools import pairwise

import pytest
from marks import mostly_slow

from vmfailover.report.figures.story import Story

from ..outcomes import INTERRUPTED, OUTCOMES, QUICK_OUTCOMES, outcome

EVERY = mostly_slow([*OUTCOMES, INTERRUPTED], *QUICK_OUTCOMES)
PARTS = ("detection", "fencing", "apply", "activation")


@pytest.mark.parametrize("name", EVERY)
def test_the_steps_of_a_takeover_are_the_parts_of_the_latency(name: str) -> None:
    values = outcome(name).values
    parts = [
        int(values[f"failover.{part}_ns"] or 0) / 1e6 for part in PARTS if values[f"failover.{part}_ns"] is not None
    ]
    steps = Story(outcome(name)).takeover_steps
    lengths = [length for _, length in (steps[1:] if Story(outcome(name)).false_alarm else steps)]
    assert lengths[: len(parts)] == pytest.approx(parts)
    assert len(lengths) - len(parts) in (0, 1)


@pytest.mark.parametrize("name", EVERY)
def test_steps_follow_each_other_up_to_the_takeover_or_the_end(name: str) -> None:
    story = Story(outcome(name))
    assert all(start + length == pytest.approx(after) for (start, length), (after, _) in pairwise(story.takeover_steps))
    if story.takeover_steps:
        start, length = story.takeover_steps[-1]
        taken_over = story.instant("takeover")
        assert start + length == pytest.approx(story.end if taken_over is None else taken_over)


@pytest.mark.parametrize("name", EVERY)
def test_pauses_lie_within_the_life_of_the_primary_and_apart(name: str) -> None:
    story = Story(outcome(name))
    assert all(length > 0 for _, length in story.pauses)
    assert all(start + length <= after for (start, length), (after, _) in pairwise(story.pauses))
    assert all(start + length <= story.primary_end for start, length in story.pauses)


@pytest.mark.parametrize("name", EVERY)
def test_the_detail_is_a_part_of_the_run_with_the_end_of_the_primary(name: str) -> None:
    story = Story(outcome(name))
    assert 0 <= story.detail.start < story.detail.end
    assert story.detail.start < story.primary_end
    if story.down is not None and story.down == story.primary_end:
        assert story.down < story.detail.end


@pytest.mark.parametrize("name", ["failover", "early failure", "slow link", "false alarm"])
def test_the_guest_ran_no_more_than_the_lost_time(name: str) -> None:
    lost = Story(outcome(name)).lost
    assert lost is not None
    assert 0 < int(outcome(name).values["loss.work_ns"] or 0) / 1e6 <= lost.length


def test_an_evacuation_is_shown_by_its_rounds_and_loses_nothing() -> None:
    story = Story(outcome("evacuation"))
    assert [length > 0 for _, length in story.rounds] == [True] * len(story.rounds)
    assert story.detail.start == story.rounds[0][0] < story.primary_end < story.detail.end
    assert story.lost is None
    assert not Story(outcome("failover")).rounds


def test_the_cause_of_the_end() -> None:
    causes = {
        name: (Story(outcome(name)).cause, Story(outcome(name)).false_alarm) for name in ("failover", "false alarm")
    }
    assert causes == {"failover": ("crash", False), "false alarm": ("fenced", True)}


def test_without_a_failure_nothing_is_lost() -> None:
    story = Story(outcome("no failure"))
    assert (story.down, story.lost, story.blackout, story.takeover_steps) == (None, None, None, [])
    assert story.primary_end == story.end
