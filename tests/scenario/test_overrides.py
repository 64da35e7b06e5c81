"""`--set KEY=VALUE`."""

from pathlib import Path

import pytest

from vmfailover.scenario import ScenarioError, load

from .conftest import Write


def test_a_key_of_the_file(small: Path) -> None:
    assert load(small, ["replication.checkpoint_interval=2ms"]).replication.checkpoint_interval == 2_000_000


def test_a_key_that_is_not_in_the_file(small: Path) -> None:
    scenario = load(small, ["hypervisor.restore=3 ms", "seed=7"])
    assert (scenario.hypervisor.restore, scenario.seed) == (3_000_000, 7)


def test_a_list_item(small: Path) -> None:
    assert load(small, ["failures.0.at=7ms"]).failures[0].at == 7_000_000


def test_a_new_list_item(write: Write) -> None:
    text = write().read_text()
    path = write(text[: text.index("failures:")])
    scenario = load(path, ["failures.0.at=7ms", "failures.0.kind=host-crash", "failures.0.target=primary"])
    assert [failure.at for failure in scenario.failures] == [7_000_000]


def test_a_whole_section(small: Path) -> None:
    assert load(small, ["failures=[]", "clients=none"]).clients is None


def test_part_of_a_preset(small: Path) -> None:
    scenario = load(small, ["hosts.primary.l2.size=256 KiB"])
    assert (scenario.hosts.primary.l2.size, scenario.hosts.primary.l2.ways) == (262_144, 8)


def test_the_last_part_of_a_key_that_is_in_one_place_only(small: Path) -> None:
    assert load(small, ["scan_interval=none"]).replication.scan_interval is None


def test_a_metric_has_dots(small: Path) -> None:
    assert load(small, ["expect.guest.slowdown=mean < 3 %"]).expect["guest.slowdown"] == "mean < 3 %"


def test_the_last_override_wins(small: Path) -> None:
    assert load(small, ["seed=2", "seed=3"]).seed == 3


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "replication.protocol=cachline-flags",
            "replication.protocol: 'cachline-flags' is unknown; did you mean 'cacheline-flags'?",
        ),
        ("replication.chekpoint_interval=2ms", "replication.chekpoint_interval: unknown key; did you mean "),
        ("seed=many", "seed: 'many' is not a whole number"),
        ("checkpoint_interval=2", "replication.checkpoint_interval: 2 has no unit; give it one, for example '5 ms'"),
        ("latency=2 ms", "latency: is in more than one place; write one of hosts.primary.l1.latency, "),
        ("failures.5.at=2 ms", "failures.5.at: there is no failures.5; the list has a length of 1"),
        ("failures.first.at=2 ms", "failures.first.at: there is no failures.first; "),
        ("seed.a=2 ms", "seed.a: there is no seed.a; 1 is neither a mapping nor a list"),
        ("name=[a", "name:1:3: expected ',' or ']'"),
        ("name=a: &b c", "name:1:4: anchors (&)"),
        ("vm={}", "vm: vm.memory: is missing; write for example 'memory: 64 MiB'"),
        ("seed", "seed: write KEY=VALUE, for example replication.checkpoint_interval=2ms"),
        ("=3", "=3: write KEY=VALUE"),
        ("a\nb=3", "a\\nb: the key has the control character U+000A"),
    ],
)
def test_refuses(write: Write, override: str, message: str) -> None:
    path = write(f"seed: 1\n{write().read_text()}")
    with pytest.raises(ScenarioError) as caught:
        load(path, [override])
    assert str(caught.value).startswith(f"{path}: override {message}")
    assert "\n" not in str(caught.value)
    with pytest.raises(ScenarioError) as named:
        load(path, [override], called="--set")
    assert str(named.value).startswith(f"{path}: --set {message}")
