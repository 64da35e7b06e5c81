"""`guest.slowdown`: time of the protected guest, divided by that of an unprotected one for the same instructions."""

from typing import Any

import pytest

import vmfailover as vf
from vmfailover.results.run_result import RunResult

from .sampled_guests import sampled

DURATION_NS = 100_000_000
#: A guest that has little to do in a tick, and one that has more than a tick takes.
IDLE, BUSY = "20000 /s", "2000000 /s"


def ran(visits: str, **keys: Any) -> RunResult:
    """Return a run of a guest of one vCPU to its end, without a fault and without clients."""
    sets = [{"kind": "random", "memory": "16 MiB", "visits": visits}]
    workload = {"kind": "hot-sets", "instructions_per_access": 2000, "sets": sets}
    base = {"vm": {"vcpus": 1, "memory": "32 MiB"}, "clients": None, "failures": [], "duration": f"{DURATION_NS} ns"}
    return vf.run(sampled(keys.pop("protocol", "page-write-protect"), workload=workload, **{**base, **keys}))


@pytest.mark.parametrize("visits", [IDLE, BUSY])
@pytest.mark.parametrize("fidelity", ["sampled", "executed"])
def test_an_unprotected_guest_gets_as_far_in_the_time_without_the_slowdown(visits: str, fidelity: str) -> None:
    protected = ran(visits, fidelity=fidelity)
    alone_ns = round(DURATION_NS / (1 + (protected.values["guest.slowdown"] or 0)))
    alone = ran(visits, fidelity=fidelity, protocol="cold-restart", duration=f"{alone_ns} ns")
    assert protected.readings[-1].instructions == pytest.approx(alone.readings[-1].instructions, rel=0.005)


def test_a_guest_that_waits_for_its_tick_is_slowed_down_by_pauses_alone() -> None:
    values = ran(IDLE).values
    assert 0 < values["guest.slowdown"] == pytest.approx(values["guest.pause_fraction"], rel=0.02)


def test_one_that_falls_behind_is_slowed_down_by_faults_too() -> None:
    values = ran(BUSY).values
    parts = [values[f"guest.{name}_fraction"] for name in ("pause", "early_copy", "stall", "fault")]
    assert values["guest.fault_fraction"] > 0.01
    assert values["guest.slowdown"] == pytest.approx(sum(parts))
