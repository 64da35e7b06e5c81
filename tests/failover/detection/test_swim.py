"""SWIM: what each of its settings does."""

from typing import Any

import pytest

from .watch import NEVER, Pair

MS = 1_000_000
CRASH_NS = 205 * MS
SWIM: dict[str, Any] = {"members": 5, "period": "10 ms", "probe_timeout": "1 ms"}


def after(seed: int = 1, what: str = "crash", back_ms: int | None = None, **keys: Any) -> int:
    """Return how long after something is done to a host the verdict comes."""
    pair = Pair(seed, kind="swim", swim={**SWIM, **keys})
    return pair.after(CRASH_NS, what, back_ms and back_ms * MS, within_ns=2000 * MS)


@pytest.mark.parametrize("seed", range(5))
def test_a_probe_that_the_link_loses_is_repeated_through_others(seed: int) -> None:
    assert after(seed, "cut", indirect=1.0) == NEVER
    assert after(seed, "cut", indirect=0.0) != NEVER


def test_with_nobody_else_there_are_no_others_to_probe_through() -> None:
    assert 0 < after(what="cut", members=2, indirect=3.0) < 20 * MS


@pytest.mark.parametrize("seed", range(5))
def test_a_suspected_host_has_its_time_to_refute(seed: int) -> None:
    assert after(seed, suspicion="70 ms") - after(seed) == 70 * MS
    assert after(seed, "freeze", 60, suspicion="70 ms") == NEVER
    assert after(seed, "freeze", 60) != NEVER


@pytest.mark.parametrize("seed", range(5))
def test_others_carry_a_refutation(seed: int) -> None:
    assert after(seed, "cut", indirect=0.0, suspicion="1 ms") == NEVER
    assert after(seed, "cut", members=2, suspicion="1 ms") != NEVER


def test_news_from_another_member_take_their_time() -> None:
    later = [after(seed, dissemination="8 ms") - after(seed) for seed in range(40)]
    assert set(later) > {0, 8 * MS}
    assert all(0 <= each <= 8 * MS for each in later)
    assert after(members=2, dissemination="8 ms") == after(members=2)
