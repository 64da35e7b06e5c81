"""A witness: silence on both ways at once, and alarms of the network that are none of the host."""

from typing import Any

import pytest

from .watch import NEVER, Pair

MS = 1_000_000
#: A heartbeat is on its way for 500 ns and takes 64.
CRASH_NS = 201 * MS


def pair(timeout_ms: int = 30, written_ms: int = 25) -> Pair:
    witness: dict[str, Any] = {"interval": "10 ms", "timeout": f"{written_ms} ms"}
    return Pair(kind="witness", interval="10 ms", timeout=f"{timeout_ms} ms", witness=witness)


@pytest.mark.parametrize(("timeout_ms", "written_ms", "after_ms"), [(30, 25, 29), (30, 50, 49)])
def test_the_later_of_the_two_timeouts_gives_the_verdict(timeout_ms: int, written_ms: int, after_ms: int) -> None:
    """Both heartbeats were sent for the last time a millisecond before the crash."""
    assert pair(timeout_ms, written_ms).after(CRASH_NS, "crash") == pytest.approx(after_ms * MS, abs=1_000)


@pytest.mark.parametrize(("interval_ms", "timeout_ms", "after_ms"), [(40, 50, 49), (70, 150, 89)])
def test_the_witness_is_written_to_at_its_own_interval(interval_ms: int, timeout_ms: int, after_ms: int) -> None:
    """For the last time after 200 ms, or 140."""
    witness = {"interval": f"{interval_ms} ms", "timeout": f"{timeout_ms} ms"}
    scene = Pair(kind="witness", interval="10 ms", timeout="30 ms", witness=witness)
    assert scene.after(CRASH_NS, "crash") == pytest.approx(after_ms * MS, abs=1_000)


def test_a_silent_link_is_no_alarm_while_the_witness_hears() -> None:
    scene = pair()
    for at_ms, what in ((200, "cut"), (400, "restore"), (600, "cut"), (800, "restore")):
        scene.env.run(until=at_ms * MS)
        getattr(scene.watched.out, what)()
    assert not scene.detector.declared.triggered


def test_a_host_that_dies_while_the_link_is_cut_is_given_up_for_what_the_witness_misses() -> None:
    scene = pair()
    scene.env.run(until=100 * MS)
    scene.watched.out.cut()
    assert scene.after(CRASH_NS, "crash") == pytest.approx(24 * MS, abs=1_000)
    assert pair().after(CRASH_NS, "cut", within_ns=500 * MS) == NEVER
