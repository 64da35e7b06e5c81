"""Whom a host reaches: planes that are cut, votes, watchdogs, and what becomes of a VM that is cut off."""

from typing import Any

import pytest
from pydantic import ValidationError
from scenarios_for_tests import small

from vmfailover.results.run_result import RunResult
from vmfailover.simulation import run

WITNESS = {"kind": "witness", "vote": "50 us"}
WATCHDOG = {"kind": "watchdog", "timeout": "500 us", "wait": "1 ms"}
POWER = {"kind": "stonith", "delay": "100 us", "failure_probability": "0 %", "attempts": 3}
FROM = 2_000_000


def cut(kind: str, target: str = "primary", **keys: Any) -> dict[str, Any]:
    return {"at": f"{FROM} ns", "kind": kind, "target": target, **keys}


def found(failure: dict[str, Any], **keys: Any) -> RunResult:
    return run(small("base", failures=[failure], **keys), samples=0)


def hosts(result: RunResult, kind: str) -> list[str]:
    return [event.host for event in result.event_rows if event.kind == kind]


def when(result: RunResult, kind: str) -> int:
    return next(event.time_ns for event in result.event_rows if event.kind == kind)


@pytest.mark.parametrize("fencing", [POWER, WATCHDOG])
def test_an_isolated_host_loses_its_vm_to_the_one_with_the_witness(fencing: dict[str, Any]) -> None:
    result = found(cut("isolation"), quorum=WITNESS, fencing=fencing)
    assert hosts(result, "no-quorum") == hosts(result, "down") == ["primary"]
    assert hosts(result, "takeover") == ["secondary"]
    assert result.values["loss.split_brain_ns"] == 0
    assert result.values["failover.latency_ns"] == when(result, "takeover") - FROM


def test_a_watchdog_resets_a_host_its_timeout_after_it_was_last_well() -> None:
    """It is looked at five times in its timeout."""
    result = found(cut("isolation"), quorum=WITNESS, fencing=WATCHDOG)
    assert 400_000 <= when(result, "down") - when(result, "detect-loss") <= 500_000


@pytest.mark.parametrize("lasts", ["400 us", "900 us"])
def test_a_watchdog_ends_a_hang_that_lasts_longer(lasts: str) -> None:
    result = found(cut("hypervisor-hang", lasts=lasts), quorum=WITNESS, fencing=WATCHDOG)
    assert hosts(result, "down") == ([] if lasts == "400 us" else ["primary"])


def test_an_isolated_standby_does_not_take_over_and_resets_itself() -> None:
    result = found(cut("isolation", "secondary"), quorum=WITNESS, fencing=WATCHDOG)
    assert (hosts(result, "takeover"), hosts(result, "standby-down")) == ([], ["secondary"])
    assert hosts(result, "alone") == ["primary"]


def test_a_cut_ring_leaves_the_vm_with_the_one_that_has_the_vote() -> None:
    winners = set()
    for seed in range(6):
        result = found(cut("network-loss"), quorum=WITNESS, fencing=WATCHDOG, seed=seed)
        (loser,) = hosts(result, "no-quorum")
        assert hosts(result, "down") + hosts(result, "standby-down") == [loser]
        winners.add(loser)
    assert winners == {"primary", "secondary"}


def test_without_the_witness_either_nobody_goes_on() -> None:
    both = {**cut("network-loss", planes=["replication", "witness"])}
    scenario = small("base", failures=[both, cut("network-loss", "secondary", planes=["witness"])], quorum=WITNESS)
    result = run(scenario, samples=0)
    assert sorted(hosts(result, "no-quorum")) == ["primary", "secondary"]
    assert hosts(result, "takeover") == hosts(result, "alone") == hosts(result, "down") == []


RESPONSES = {"power-off": 0, "reset": 0, "shut-down": 300_000}


@pytest.mark.parametrize("response", RESPONSES)
def test_a_host_without_quorum_ends_its_vm_after_the_delay(response: str) -> None:
    quorum = {**WITNESS, "response": response, "delay": "200 us", "shut_down": "300 us"}
    result = found(cut("isolation"), quorum=quorum, fencing={"kind": "none"})
    (ended,) = (event.time_ns for event in result.event_rows if event.kind in ("down", "standby-down"))
    assert ended == when(result, "no-quorum") + 200_000 + RESPONSES[response]


def test_a_host_that_is_heard_again_in_the_delay_keeps_its_vm() -> None:
    quorum = {**WITNESS, "response": "power-off", "delay": "4 ms"}
    failure = cut("network-loss", planes=["replication", "witness"], lasts="3 ms")
    result = found(failure, quorum=quorum, fencing={"kind": "none"})
    assert hosts(result, "no-quorum") == ["primary"]
    assert hosts(result, "down") == []


def test_an_order_does_not_get_through_where_power_control_is_not_reached() -> None:
    failure = cut("network-loss", "secondary", planes=["replication", "power"])
    result = found(failure, fencing={**POWER, "host_delay": {"primary": "5 ms"}})
    assert hosts(result, "fencing-failed") == ["secondary"]
    assert when(result, "fencing-failed") == when(result, "detect") + 3 * 100_000
    assert hosts(result, "takeover") == []


@pytest.mark.parametrize("one_way", [None, "in", "out"])
def test_clients_are_cut_where_their_plane_is(one_way: str | None) -> None:
    """Nobody is answered meanwhile, but for what came before if only requests are lost; protection does not notice."""
    failure = cut("network-loss", planes=["clients"], one_way=one_way, lasts="3 ms")
    clients = {"rate": "20000 /s", "latency": "10 us", "retry": "500 us"}
    result = found(failure, clients=clients, duration="12 ms")
    assert hosts(result, "detect") == hosts(result, "detect-loss") == []
    cut_off = [row for row in result.requests if FROM < row.sent_ns < FROM + 2_990_000]
    assert len(cut_off) > 20
    assert all(row.received_ns is not None and row.received_ns > FROM + 3_000_000 for row in cut_off)
    received = (row.received_ns for row in result.requests)
    meanwhile = [at for at in received if at is not None and FROM + 10_000 < at < FROM + 3_000_000]
    assert bool(meanwhile) == (one_way == "in")


@pytest.mark.parametrize(("one_way", "given_up"), [("in", "detect-loss"), ("out", "detect")])
def test_a_loss_of_one_way_is_noticed_by_whom_it_keeps_from_hearing(one_way: str, given_up: str) -> None:
    result = found(cut("network-loss", one_way=one_way), fencing={"kind": "none"})
    kinds = ("detect", "detect-loss")
    assert [event.kind for event in result.event_rows if event.kind in kinds] == [given_up]


def test_the_promise_without_fencing_is_waived_and_not_ticked() -> None:
    result = found(cut("network-loss"), fencing={"kind": "none"})
    (verdict,) = (each for each in result.verdicts if each.name == "one_active_vm")
    assert (verdict.waived, verdict.holds, verdict.broken) == (True, False, False)


@pytest.mark.parametrize(
    "keys",
    [
        {"quorum": {"response": "power-off"}},
        {"fencing": WATCHDOG},
        {"fencing": {**WATCHDOG, "wait": "1 us"}, "quorum": WITNESS},
    ],
)
def test_what_no_vote_decides_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, ValueError)):
        small("base", **keys)


@pytest.mark.parametrize("lasts", ["2300 us", "2650 us", "3910 us"])
def test_a_split_brain_ends_within_an_advertisement_of_the_heal(lasts: str) -> None:
    failure = cut("network-loss", lasts=lasts)
    result = found(failure, fencing={"kind": "none", "heal": "yield"})
    healed, (ended,) = (
        when(result, "passed"),
        [event.time_ns for event in result.event_rows if event.kind == "standby-down"],
    )
    interval, latency = result.scenario.detection.interval, result.scenario.link.latency
    assert healed + latency <= ended <= healed + interval + 2 * latency
    taken_over = when(result, "takeover")
    assert result.values["loss.split_brain_ns"] == pytest.approx(ended - taken_over, abs=400_000)
    assert hosts(result, "takeover") == ["secondary"]


def test_a_split_brain_lasts_if_nobody_yields() -> None:
    result = found(cut("network-loss", lasts="2300 us"), fencing={"kind": "none"})
    assert hosts(result, "standby-down") == []
    assert (result.values["loss.split_brain_ns"] or 0) > 5_000_000


def test_a_vm_whose_storage_is_gone_restarts_elsewhere_after_the_timeouts() -> None:
    times = {"paths_timeout": "1400 us", "restart_delay": "1800 us"}
    result = found(cut("all-paths-down", **times))
    assert when(result, "down") == FROM + 3_200_000
    assert when(result, "detect") - when(result, "down") < 100_000
    assert hosts(result, "takeover") == ["secondary"]
    passed = found(cut("all-paths-down", **times, lasts="3 ms"))
    assert hosts(passed, "down") == hosts(passed, "takeover") == []


def test_a_vm_whose_storage_is_gone_for_good_restarts_at_once() -> None:
    result = found(cut("storage-loss"))
    assert when(result, "down") == FROM
    assert when(result, "detect") - FROM < 100_000
    assert hosts(result, "takeover") == ["secondary"]
