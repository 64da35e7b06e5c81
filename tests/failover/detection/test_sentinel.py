"""Sentinels: each finds the host down by itself, and a quorum has to agree."""

from typing import Any

import pytest

from vmfailover.scenario.detection import Detection

from .watch import NEVER, Pair

MS = 1_000_000
KEYS: dict[str, Any] = {"down_after": "1 s", "members": 3, "quorum": 2}


def after(seed: int, what: str, **keys: Any) -> int:
    return Pair(seed, kind="sentinel", sentinel=KEYS | keys).after((5000 + 37 * seed) * MS, what)


@pytest.mark.parametrize("seed", range(10))
def test_a_process_that_dies_closes_its_connections_and_is_missed_down_after_it(seed: int) -> None:
    assert 1000 * MS < after(seed, "stop") <= 1300 * MS


def test_a_host_that_crashes_is_missed_after_the_next_ping() -> None:
    found = [after(seed, "crash") for seed in range(20)]
    assert 1000 * MS < min(found) < 1500 * MS < max(found) <= 2300 * MS


def test_a_larger_quorum_takes_longer() -> None:
    first, last = (sum(after(seed, "crash", quorum=quorum) for seed in range(10)) for quorum in (1, 3))
    assert last > first + 10 * 300 * MS


def test_a_silence_shorter_than_down_after_is_none() -> None:
    pair = Pair(kind="sentinel", sentinel=KEYS)
    assert pair.after(5000 * MS, "freeze", 900 * MS, 5000 * MS) == NEVER
    assert pair.told == []


def test_a_host_heard_before_the_quorum_agrees_is_forgiven() -> None:
    pair = Pair(kind="sentinel", sentinel=KEYS | {"members": 9, "quorum": 9})
    pair.env.run(until=5000 * MS)
    pair.watched.freeze()
    while not pair.told:
        pair.env.step()
    pair.watched.thaw()
    pair.env.run(until=9000 * MS)
    assert [kind for _, kind in pair.told] == ["suspect", "forgive"]
    assert not pair.detector.declared.triggered


@pytest.mark.parametrize("wrong", [{"quorum": 4}, {"least_tick": "101 ms"}])
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="write at most as m"):
        Detection.model_validate({"kind": "sentinel", "sentinel": wrong})
