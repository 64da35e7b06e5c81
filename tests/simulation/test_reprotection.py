"""A VM that has lost a host gets another one, moves back, and can lose either again at any instant."""

from typing import Any

import numpy as np
import pytest
from marks import mostly_slow
from runs_for_tests import Observed, broken, happened, observe
from scenarios_for_tests import PROTOCOL_OF, PROTOCOL_VARIANTS, small

from vmfailover.scenario import Scenario
from vmfailover.scenario.replication import Replication

#: Variants whose VM can be protected again, and those that can move it back as planned.
AGAIN = [
    "base",
    "three-vcpus-log",
    *(name for name in PROTOCOL_VARIANTS if Replication.kinds[PROTOCOL_OF[name]].reprotects),
]
BACK = [name for name in AGAIN if Replication.kinds[PROTOCOL_OF.get(name, "cacheline-flags")].fails_back]
FIRST = {"at": "3300 us", "kind": "host-crash", "target": "primary"}


def twice(
    variant: str = "base", *failures: dict[str, Any], duration: str = "16 ms", **reprotection: object
) -> Scenario:
    """Return a scenario in which the primary crashes, and what else is said goes wrong."""
    keys = {"repair": "500 us", **reprotection}
    changes = {"failures": [FIRST, *failures], "duration": duration, "replication.precopy": {"rounds": 4}}
    return small(variant, reprotection=keys, **changes)


def instants(run: Observed, kind: str) -> list[int]:
    return [event.time_ns for event in happened(run.result, kind)]


@pytest.mark.parametrize("variant", mostly_slow(AGAIN, "base", "undo-log"))
def test_the_second_host_of_a_second_pair_takes_over_too(variant: str) -> None:
    run = observe(
        twice(
            variant,
            {"at_phase": "re-protection", "delay": "2300 us", "kind": "host-crash", "target": "active"},
            duration="24 ms",
        )
    )
    assert not broken(run)
    assert run.result.values["failover.count"] == 2
    moves = run.result.failovers
    assert list(moves.origin) == ["primary", "secondary"]
    assert list(moves.destination) == ["secondary", "primary"]
    assert run.result.values["reprotection.count"] == 2
    assert run.cluster.active.host.name == "primary"


@pytest.mark.parametrize("variant", mostly_slow(BACK, "base", "page-write-protect"))
def test_the_vm_moves_back_without_losing_anything(variant: str) -> None:
    run = observe(twice(variant, failback="1500 us", duration="20 ms"))
    assert not broken(run)
    values = run.result.values
    assert (values["failover.count"], values["failback.count"]) == (1, 1)
    assert run.cluster.active.host.name == "primary"
    (returned,) = instants(run, "returned")
    assert instants(run, "protected")[-1] == returned
    stopped, last = run.cluster.pairs[1].primary.vm, run.cluster.pairs[1].epochs[-2]
    assert last.state is not None
    assert last.state.guest_ns == stopped.guest_ns(returned)
    assert values["failback.latency_ns"] == returned - instants(run, "failback")[0]


def second_faults(variant: str, seed: int, count: int, failback: str | None = None) -> set[str]:
    """Crash either host at random instants after the first failover; return what had become of the VM by its end."""
    random = np.random.default_rng(seed)
    ends = set()
    for _ in range(count):
        target = str(random.choice(["active", "standby"]))
        fault = {"at": f"{random.integers(5_000_000, 12_000_000)} ns", "kind": "host-crash", "target": target}
        run = observe(twice(variant, fault, failback=failback))
        assert not broken(run), fault
        ends.add("ran" if run.cluster.active.host.up else "lost")
    return ends


@pytest.mark.parametrize("variant", mostly_slow(AGAIN, "base", "undo-log"))
def test_a_second_fault(variant: str) -> None:
    second_faults(variant, 3, 1)


@pytest.mark.parametrize("variant", mostly_slow(BACK, "base", "page-write-protect"))
def test_a_second_fault_with_failback(variant: str) -> None:
    second_faults(variant, 4, 1, failback="1200 us")


@pytest.mark.slow
@pytest.mark.parametrize("variant", AGAIN)
def test_forty_second_faults(variant: str) -> None:
    assert "ran" in second_faults(variant, 5, 40)


@pytest.mark.slow
@pytest.mark.parametrize("variant", BACK)
def test_forty_second_faults_with_failback(variant: str) -> None:
    assert "ran" in second_faults(variant, 6, 40, failback="1200 us")


def test_a_vm_whose_only_host_crashes_during_synchronisation_is_lost() -> None:
    run = observe(
        twice("base", {"at_phase": "synchronisation", "delay": "200 us", "kind": "host-crash", "target": "active"})
    )
    assert not broken(run)
    assert run.result.values["reprotection.count"] == 0
    assert not run.cluster.active.host.up
    assert run.result.values["exposure.longest_ns"] == run.result.end_ns - 3_300_000


def test_a_host_that_dies_during_synchronisation_is_replaced() -> None:
    fault = {"at_phase": "synchronisation", "delay": "200 us", "kind": "host-crash", "target": "spare-1"}
    run = observe(twice("base", fault, spares=2, repair=None))
    assert not broken(run)
    assert [event.host for event in happened(run.result, "synchronise")] == ["spare-1", "spare-2"]
    assert [event.host for event in happened(run.result, "protected")] == ["spare-2"]
    assert len(happened(run.result, "synchronisation-failed")) == 1
    assert run.result.values["failover.false_alarms"] == 0


def test_a_vm_that_nothing_tracks_stands_still_while_it_is_copied() -> None:
    stopped = {}
    for variant in ("base", "record-replay"):
        values = observe(twice(variant)).result.values
        took, stood = values["reprotection.synchronisation_ns"], values["reprotection.stopped_ns"]
        assert took is not None
        assert stood is not None
        stopped[variant] = stood / took
    assert stopped["record-replay"] > 0.99
    assert stopped["base"] < 0.5


def test_the_loss_of_the_secondary_is_made_good_too() -> None:
    run = observe(small(failures=[{**FIRST, "target": "secondary"}], reprotection={"spares": 1}, duration="16 ms"))
    assert not broken(run)
    assert run.result.values["failover.count"] == 0
    assert [event.host for event in happened(run.result, "protected")] == ["spare-1"]


def test_exposure_begins_with_the_failure_and_ends_with_protection() -> None:
    run = observe(twice())
    (protected,) = instants(run, "protected")
    assert run.result.values["exposure.total_ns"] == protected - 3_300_000
    assert observe(small("no-failure")).result.values["exposure.total_ns"] == 0


def test_roles_swap_many_times() -> None:
    crashes = [{"at": f"{at} us", "kind": "host-crash", "target": "active"} for at in range(9_000, 45_000, 6_000)]
    run = observe(twice("base", *crashes, duration="50 ms"))
    assert not broken(run)
    assert run.result.values["failover.count"] == 7
    assert list(run.result.failovers.destination) == ["secondary", "primary"] * 3 + ["secondary"]


def test_the_same_run_again() -> None:
    first, second = (observe(twice(failback="1 ms")).result for _ in range(2))
    assert first.event_rows == second.event_rows
