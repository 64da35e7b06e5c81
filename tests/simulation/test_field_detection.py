"""Stories of detection from the field: their scenarios say what happened, and what would have helped."""

from pathlib import Path

import pytest

from vmfailover.results.failover_stages import failover_stages
from vmfailover.results.run_result import RunResult
from vmfailover.scenario import load
from vmfailover.simulation import run

S = 1_000_000_000
FIELD = Path(__file__).parents[2] / "scenarios" / "field"


def story(name: str, **overrides: object) -> RunResult:
    """Run a story without its clients."""
    return run(load(FIELD / f"{name}.yaml").with_(clients=None, **overrides), samples=0)


def seconds(result: RunResult) -> dict[str, int]:
    return {stage.name: round(stage.duration_ns / S) for stage in failover_stages(result)}


@pytest.mark.slow
def test_a_node_of_kubernetes_loses_its_power() -> None:
    result = story("kubernetes-vm-host")
    assert seconds(result) == {"silence": 35, "confirmation": 10, "fencing": 0, "apply": 0, "boot": 15}


@pytest.mark.slow
def test_a_node_of_hyper_v_is_isolated() -> None:
    stages = {"silence": 9, "confirmation": 240, "fencing": 0, "apply": 0, "boot": 39}
    assert seconds(story("hyper-v-resiliency")) == stages


@pytest.mark.parametrize(
    ("lasts", "timers", "moved"),
    [
        ("2500 ms", {}, True),
        ("1 s", {}, False),
        ("2500 ms", {"detection.interval": "1 s", "detection.timeout": "3609375 us"}, False),
    ],
)
def test_a_blackout_that_advertisements_do_not_bear_moves_the_address(
    lasts: str, timers: dict[str, str], moved: bool
) -> None:
    result = story("vrrp-blackout", **{"failures.0.lasts": lasts}, **timers, duration="6 s")
    assert bool(result.values["failover.count"]) is moved


@pytest.mark.slow
@pytest.mark.parametrize(("lasts", "fenced"), [("7 s", True), ("5 s", False)])
def test_a_bond_is_silent_within_consensus_or_for_longer(lasts: str, fenced: bool) -> None:
    result = story("corosync-bond", duration="16 s", **{"failures.0.lasts": lasts})
    kinds = {str(event.kind) for event in result.event_rows}
    assert ("standby-down" in kinds, "forgive" in kinds) == (fenced, not fenced)
