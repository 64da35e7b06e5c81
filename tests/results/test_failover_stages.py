"""The stages of a failover: each timer by its name, and together the latency."""

from typing import Any

import pytest
from scenarios_for_tests import small

from vmfailover.results.failover_stages import failover_stages
from vmfailover.simulation import run

US = 1000
TOKEN = {
    "members": 3,
    "token": "1 ms",
    "coefficient": "0 ns",
    "join": "200 us",
    "reform": "50 us",
    "disagreement": "0 %",
}
SENTINEL = {"down_after": "1 ms", "ping": "500 us", "least_tick": "50 us", "most_tick": "100 us"}
SWIM = {"members": 5, "period": "500 us", "probe_timeout": "50 us", "suspicion": "300 us"}
HEARD = {"interval": "300 us", "timeout": "900 us"}
#: Keys of a detector, and the stages of its verdict with their lengths where nothing is left to chance, microseconds.
DETECTORS: dict[str, tuple[dict[str, Any], dict[str, int | None]]] = {
    "one stage": ({"kind": "heartbeat", **HEARD}, {"detection": None}),
    "heartbeat": ({"kind": "heartbeat", **HEARD, "confirmation": "400 us"}, {"silence": None, "confirmation": 400}),
    "token": (
        {"kind": "token", "token": TOKEN, "confirmation": "400 us"},
        {"token": None, "consensus": 1200, "membership": 50, "confirmation": 400},
    ),
    "sentinel": ({"kind": "sentinel", "sentinel": SENTINEL}, {"down-after": None, "agreement": None}),
    "swim": ({"kind": "swim", "swim": SWIM}, {"probe": None, "suspicion": 300}),
    "witness": (
        {"kind": "witness", **HEARD, "witness": {"interval": "300 us", "timeout": "2 ms"}},
        {"silence + witness": None},
    ),
}
STEPS = {
    "election": {"distribution": "uniform", "mean": "300 us", "spread": "100 us"},
    "promotion": {"mean": "700 us"},
}


@pytest.mark.parametrize("name", DETECTORS)
def test_every_stage_is_told_and_together_they_are_the_latency(name: str) -> None:
    keys, wanted = DETECTORS[name]
    result = run(small(detection=keys, failover=STEPS, extend="until-takeover"))
    stages = failover_stages(result)
    assert [stage.name for stage in stages] == [*wanted, "election", "fencing", "promotion", "apply", "activation"]
    lengths = {stage.name: stage.duration_ns for stage in stages}
    assert {key: lengths[key] // US for key, value in wanted.items() if value} == {
        key: value for key, value in wanted.items() if value
    }
    assert 200 * US <= lengths["election"] <= 400 * US
    assert lengths["promotion"] == 700 * US
    assert sum(lengths.values()) == result.values["failover.latency_ns"]
    for part in ("detection", "fencing", "apply", "activation"):
        assert sum(stage.duration_ns for stage in stages if stage.part == part) == result.values[f"failover.{part}_ns"]
    assert result.failover_stages == stages


def test_a_restart_boots() -> None:
    result = run(small("cold-restart", extend="until-takeover"))
    assert [stage.name for stage in failover_stages(result)][-1] == "boot"


@pytest.mark.slow
def test_what_chance_makes_of_a_takeover_is_another_in_each_run() -> None:
    normal = {"election": {"distribution": "normal", "mean": "100 us", "spread": "100 us"}}
    found = [
        {stage.name: stage.duration_ns for stage in failover_stages(run(small(seed=seed, failover=normal)))}
        for seed in range(6)
    ]
    assert len({each.get("election", 0) for each in found}) > 3
    assert all(each.get("election", 0) >= 0 for each in found)
