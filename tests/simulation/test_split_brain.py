"""A link that is cut for good: who goes on, if anybody does, and never both."""

from collections import Counter

import pytest
from marks import mostly_slow
from runs_for_tests import broken, happened, observe
from scenarios_for_tests import small

from vmfailover.scenario import Scenario

CUT: dict[str, object] = {
    "failures": [{"at": "6300 us", "kind": "link-cut"}],
    "duration": "12 ms",
    "workload": {"kind": "idle"},
    "clients": None,
    "fencing.delay": "2 ms",
}
#: What a message in the way of a heartbeat takes, a hundredth of an order's time.
AT_ONCE_NS = 20_000


def cut(seed: int = 1, **keys: object) -> Scenario:
    """Return a scenario in which both hosts declare each other dead at once."""
    lease = {"lease": "500 us"} if keys.get("kind") == "witness" else {}
    fencing = {f"fencing.{key}": value for key, value in {**lease, **keys}.items()}
    return small("no-streaming", seed=seed, **{**CUT, **fencing})


def left(scenario: Scenario) -> tuple[str, ...]:
    """Return the hosts that are up in the end; nothing is broken."""
    run = observe(scenario)
    assert not broken(run)
    (detected,), (lost,) = happened(run.result, "detect"), happened(run.result, "detect-loss")
    assert abs(detected.time_ns - lost.time_ns) < AT_ONCE_NS
    assert run.result.values["loss.split_brain_ns"] == 0
    return tuple(hosted.host.name for hosted in run.cluster.pairs[0].hosted if hosted.host.up)


def test_with_a_device_each_and_no_delay_nobody_is_left() -> None:
    assert {left(cut(seed)) for seed in range(5)} == {()}


@pytest.mark.parametrize(
    "keys", mostly_slow([{"devices": "one"}, {"kind": "witness"}, {"kind": "shared-storage"}], {"devices": "one"})
)
def test_a_tie_goes_to_either_by_chance(keys: dict[str, object]) -> None:
    survivors = Counter(left(cut(seed, **keys)) for seed in range(8))
    assert survivors.keys() == {("primary",), ("secondary",)}


@pytest.mark.parametrize(
    ("keys", "survivor"),
    [
        ({"priority_delay": "3 ms"}, "primary"),
        ({"host_delay": {"primary": "3 ms"}}, "secondary"),
        *mostly_slow(
            [
                ({"host_delay": {"secondary": "3 ms"}}, "primary"),
                ({"kind": "witness", "priority_delay": "3 ms"}, "primary"),
                ({"kind": "witness", "host_delay": {"primary": "3 ms"}}, "secondary"),
            ]
        ),
    ],
)
def test_a_delay_longer_than_an_order_takes_chooses(keys: dict[str, object], survivor: str) -> None:
    assert {left(cut(seed, **keys)) for seed in range(4)} == {(survivor,)}
