"""Whole scenarios in Python: other values, hashes."""

import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from vmfailover.scenario import Scenario, ScenarioError, load
from vmfailover.scenario.hosts import Hosts, HostSpec

from .conftest import Write
from .test_checks import trace


@pytest.fixture
def scenario(small: Path) -> Scenario:
    return load(small)


def test_is_frozen(scenario: Scenario) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        scenario.seed = 2


def test_knows_its_file(scenario: Scenario, small: Path) -> None:
    assert scenario.path == small
    assert scenario.with_(seed=3).path == small


def test_with_a_unique_last_part(scenario: Scenario) -> None:
    assert scenario.with_(checkpoint_interval="2 ms").replication.checkpoint_interval == 2_000_000


def test_with_dotted_keys(scenario: Scenario) -> None:
    other = scenario.with_(**{"failures.0.at": "7 ms", "hosts.primary.preset": "power7", "vm.vcpus": 1})
    assert other.failures[0].at == 7_000_000
    assert other.hosts.primary.l2.size == 256 * 1024
    assert other.vm.vcpus == 1


def test_with_leaves_the_original_alone(scenario: Scenario) -> None:
    before = scenario.hash
    assert scenario.with_(seed=9).with_(failures=[]).seed == 9
    assert scenario.hash == before
    assert scenario.failures


def test_with_nothing_is_the_same(scenario: Scenario) -> None:
    assert scenario.with_().hash == scenario.hash


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("latency", "1 ms", "latency: is in more than one place; write one of "),
        ("checkpoint_intervall", "1 ms", "checkpoint_intervall: unknown key"),
        ("checkpoint_interval", 1_000_000, "replication.checkpoint_interval: 1000000 has no unit"),
        ("replication.protocol", "raid", "replication.protocol: 'raid' is unknown; it is one of cacheline-flags"),
        ("vm.vcpus", 40, "vm.vcpus: 40 is more than the 12 cores"),
    ],
)
def test_with_wrong_values(scenario: Scenario, key: str, value: object, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        scenario.with_(**{key: value})
    assert str(caught.value).startswith(f"{scenario.path}: {message}")


def test_is_made_of_its_own_dump(scenario: Scenario) -> None:
    again = Scenario.model_validate(scenario.model_dump(mode="json"))
    assert again.hash == scenario.hash
    assert again.with_(seed=5).hash == scenario.with_(seed=5).hash


def test_is_made_of_records(scenario: Scenario) -> None:
    power7 = HostSpec.model_validate({"preset": "power7"})
    keys = scenario.model_dump(mode="json") | {"hosts": Hosts(primary=power7, secondary=power7)}
    other = Scenario(**keys)
    assert other.hosts.primary.cores == 8
    assert other.with_(seed=2).hosts == other.hosts


def test_survives_pickling(scenario: Scenario) -> None:
    copy = pickle.loads(pickle.dumps(scenario))
    assert (copy.hash, copy.path) == (scenario.hash, scenario.path)
    assert copy.with_(seed=3).seed == 3


def test_a_key_that_came_later_changes_the_hash_only_where_it_says_something() -> None:
    scenario = load(Path(__file__).parents[2] / "scenarios" / "quickstart.yaml")
    assert scenario.hash == "0b76ee7a85cecd5b855ff0645908b2f17a96b6e3cb9e8f96035438291352ddca"
    for key, value in {"workload.spread": "copies", "vm.in_use": "1 GiB", "hypervisor.wake_up": "1 us"}.items():
        assert scenario.with_(**{key: value}).hash != scenario.hash


@pytest.mark.parametrize(
    ("name", "hash"),
    [
        ("synthetic-mix.yaml", "57bd4048ad3a02e1b953e88e5086845e50f13931a64586cfde95485084bc8090"),
        ("published/remus-kernel-build.yaml", "ab61c41f9490826904648ca839fdf845d319a9949c1d87db393a9a6be7dffdad"),
        ("faults/failback.yaml", "4be1241d6164f98b661391a622aaa1da999f45ff7fb1c258c595164d51dc9b7c"),
    ],
)
def test_a_scenario_that_says_nothing_new_has_the_hash_that_it_had(name: str, hash: str) -> None:
    assert load(Path(__file__).parents[2] / "scenarios" / name).hash == hash


def test_the_hash_is_of_what_is_said_and_not_of_how(scenario: Scenario) -> None:
    assert scenario.with_(duration="0.2 s").hash == scenario.hash
    assert scenario.with_(hypervisor={"restore": "1 ms"}).hash == scenario.hash
    assert scenario.with_(seed=2).hash != scenario.hash


def test_the_hash_does_not_depend_on_the_folder_of_the_trace(write: Write, tmp_path: Path) -> None:
    hashes = set()
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        trace(folder / "t.parquet")
        hashes.add(load(write(), [f"workload={{trace: {folder}/t.parquet}}"]).hash)
    assert len(hashes) == 1
