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
    vm = {"vcpus": 1, "memory": "32 MiB"}
    base = {"vm": vm, "clients": None, "failures": [], "duration": f"{DURATION_NS} ns", **keys}
    protocol = base.pop("protocol", "page-write-protect")
    return vf.run(sampled(protocol, workload=workload, **base))


@pytest.mark.parametrize("visits", [IDLE, BUSY])
@pytest.mark.parametrize("fidelity", ["sampled", "executed"])
def test_an_unprotected_guest_gets_as_far_in_the_time_without_the_slowdown(visits: str, fidelity: str) -> None:
    protected = ran(visits, fidelity=fidelity)
    alone_ns = round(DURATION_NS / (1 + (protected.values["guest.slowdown"] or 0)))
    alone = ran(visits, fidelity=fidelity, protocol="cold-restart", duration=f"{alone_ns} ns")
    assert protected.readings[-1].instructions == pytest.approx(alone.readings[-1].instructions, rel=0.005)


def test_a_guest_that_waits_for_its_tick_is_slowed_down_by_pauses_alone() -> None:
    metrics = ran(IDLE).metrics
    assert metrics["guest.pause_fraction"] > 0
    assert metrics["guest.slowdown"] == pytest.approx(metrics["guest.pause_fraction"], rel=0.02)


def test_one_that_falls_behind_is_slowed_down_by_faults_too() -> None:
    metrics = ran(BUSY).metrics
    parts = [metrics[f"guest.{name}_fraction"] for name in ("pause", "early_copy", "stall", "fault")]
    assert metrics["guest.fault_fraction"] > 0.01
    assert metrics["guest.slowdown"] == pytest.approx(sum(parts))


@pytest.mark.parametrize("fidelity", ["sampled", "executed"])
def test_a_run_says_that_there_is_not_the_time_for_all_visits(fidelity: str) -> None:
    (remark,) = (each for each in ran(BUSY, fidelity=fidelity).remarks if each.startswith("workload.sets"))
    assert "late after" in remark
    assert not [each for each in ran(IDLE, fidelity=fidelity).remarks if each.startswith("workload.sets")]


@pytest.mark.parametrize("fidelity", ["sampled", "executed"])
@pytest.mark.parametrize(("visits", "late"), [((IDLE, BUSY), True), ((IDLE, IDLE), False), ((IDLE,), False)])
def test_one_vcpu_that_has_too_much_to_do_is_enough(visits: tuple[str, ...], late: bool, fidelity: str) -> None:
    """And one that has nothing to do is not late."""
    sets = [{"kind": "random", "memory": "8 MiB", "visits": each, "vcpus": [vcpu]} for vcpu, each in enumerate(visits)]
    workload = {"kind": "hot-sets", "instructions_per_access": 2000, "sets": sets}
    result = vf.run(sampled(fidelity=fidelity, workload=workload, failures=[], clients=None, duration="20 ms"))
    assert any(each.startswith("workload.sets") for each in result.remarks) == late
