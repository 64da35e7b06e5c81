"""Stories from the field: what real clusters did, and what their scenarios do."""

from pathlib import Path

import pytest
from marks import mostly_slow
from runs_for_tests import broken, happened, observe

from vmfailover.report.summary import summary
from vmfailover.results.outcome import headline
from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario, load

S = 1_000_000_000
FIELD = Path(__file__).parent / "field"


def field(name: str, **overrides: object) -> RunResult:
    """Run a story, without the clients, who see the same; nothing is broken."""
    scenario: Scenario = load(FIELD / f"{name}.yaml").with_(clients=None, **overrides)
    run = observe(scenario)
    assert not broken(run)
    return run.result


def test_a_bond_that_is_silent_for_longer_than_token_and_consensus_has_a_node_fenced() -> None:
    result = field("corosync-bond", duration="20 s")
    (detected,) = happened(result, "detect")
    assert 5 * S + 6 * S < detected.time_ns <= 5 * S + 6600 * 10**6
    assert happened(result, "down") or happened(result, "standby-down")
    assert [event.time_ns for event in happened(result, "suspect")] == pytest.approx(
        [detected.time_ns - 3600 * 10**6] * 2, abs=200_000
    )


@pytest.mark.parametrize("silent_s", mostly_slow([2, 4, 5], 5))
def test_a_shorter_silence_is_forgiven(silent_s: int) -> None:
    result = field("corosync-bond", duration="20 s", **{"failures.0.lasts": f"{silent_s} s"})
    kinds = {event.kind for event in result.event_rows}
    assert not kinds & {"detect", "detect-loss", "down", "standby-down", "takeover", "alone"}
    assert len(happened(result, "forgive")) == len(happened(result, "suspect")) == (0 if silent_s == 2 else 2)


def test_two_nodes_without_a_delay_shoot_each_other() -> None:
    result = field("fence-race", duration="14 s")
    assert len(happened(result, "down")) == len(happened(result, "standby-down")) == 1
    assert not happened(result, "takeover")
    assert not happened(result, "alone")


@pytest.mark.parametrize(("seed", "survivor"), [(2, "primary"), (4, "secondary")])
def test_with_a_random_delay_chance_leaves_one_of_them(seed: int, survivor: str) -> None:
    fencing = {"kind": "stonith", "delay": "1 s", "random_delay": "10 s"}
    result = field("fence-race", seed=seed, duration="24 s", fencing=fencing)
    down = happened(result, "down") + happened(result, "standby-down")
    assert [event.host for event in down] == [{"primary": "secondary", "secondary": "primary"}[survivor]]
    went_on = happened(result, "alone") + happened(result, "takeover")
    assert [event.host for event in went_on] == [survivor]


def test_with_a_fixed_delay_the_other_one_is_left() -> None:
    result = field("fence-race", duration="16 s", **{"fencing.host_delay": {"secondary": "2 s"}})
    assert [event.host for event in happened(result, "alone")] == ["primary"]
    assert not happened(result, "down")


def test_the_summary_tells_the_stages_with_their_arithmetic() -> None:
    result = field("corosync-bond", duration="20 s", **{"failures.0.lasts": "5 s"})
    told = " ".join(" ".join(line.plain for line in summary(result, 100)).split())
    assert "detector token 3.00 s (less up to 561 ms since it was here), then consensus 3.60 s (1.2 × 3 s)" in told
    assert "; 6.60 s in all; heard again and forgiven: 2 times" in told


def test_the_headline_tells_of_two_that_shot_each_other() -> None:
    told = headline(field("fence-race", duration="14 s"))
    assert told.startswith("Each host took the other for dead and switched it off: the VM is lost.")
