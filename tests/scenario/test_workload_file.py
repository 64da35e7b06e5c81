"""A workload that a scenario takes from a file of its own."""

import json
from pathlib import Path
from typing import Any

import pytest
from scenarios_for_tests import BASE

import vmfailover as vf
from vmfailover.guest.workloads.hot_sets import HotSetsWorkload
from vmfailover.guest.workloads.synthetic import SyntheticWorkload
from vmfailover.scenario import Scenario
from vmfailover.scenario.document import parse
from vmfailover.scenario.errors import ScenarioError
from vmfailover.scenario.schema import json_schema
from vmfailover.scenario.writing import read_back, text_of, write_scenario

WORKLOAD = """\
description: A guest that writes to 1 MiB.
fitted: {from: redis, error: [1, 2]}
kind: hot-sets
sets:
  - {kind: random, memory: 1 MiB, visits: 20000 /s}
  - {kind: stream, memory: 64 KiB, visits: 300 /s}
"""


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """Return a scenario's file, in a folder where W.yaml has its workload."""
    path = tmp_path / "scenario.yaml"
    (tmp_path / "W.yaml").write_text(WORKLOAD)
    path.write_text(json.dumps({**BASE, "workload": {"from": "W.yaml"}}))
    return path


def hot_sets_of(scenario: Scenario) -> HotSetsWorkload:
    assert isinstance(scenario.workload, HotSetsWorkload)
    return scenario.workload


def test_the_file_says_what_the_guest_does(scenario: Path) -> None:
    section = {key: value for key, value in parse(WORKLOAD, "").data.items() if key in ("kind", "sets")}
    base: Any = Scenario.model_validate(BASE)
    assert vf.load(scenario).workload == base.with_(workload=section).workload


def test_what_the_file_says_is_hashed_and_where_it_is_not(scenario: Path, tmp_path: Path) -> None:
    before = vf.load(scenario).hash
    (tmp_path / "V.yaml").write_text(WORKLOAD)
    assert vf.load(scenario, ["workload.from=V.yaml"]).hash == before
    (tmp_path / "V.yaml").write_text(WORKLOAD.replace("300 /s", "301 /s"))
    assert vf.load(scenario, ["workload.from=V.yaml"]).hash != before
    (tmp_path / "V.yaml").write_text(WORKLOAD.replace("A guest", "Somebody"))
    assert vf.load(scenario, ["workload.from=V.yaml"]).hash == before


def test_keys_beside_the_file_go_on_top(scenario: Path) -> None:
    scenario.write_text(json.dumps({**BASE, "workload": {"from": "W.yaml", "tick": "50 us"}}))
    workload = hot_sets_of(vf.load(scenario))
    assert (workload.tick, len(workload.sets)) == (50_000, 2)


def test_keys_of_the_file_are_overridden_like_others(scenario: Path) -> None:
    assert hot_sets_of(vf.load(scenario, ["workload.sets.1.visits=5 /s"])).sets[1].visits == 5
    loaded: Any = vf.load(scenario)
    assert hot_sets_of(loaded.with_(**{"workload.sets.0.visits": "7 /s"})).sets[0].visits == 7


@pytest.mark.parametrize("assignment", ["workload.from=W.yaml", "workload={from: W.yaml}"])
def test_a_file_takes_the_place_of_a_workload(scenario: Path, assignment: str) -> None:
    expected = vf.load(scenario).workload
    scenario.write_text(json.dumps(BASE))
    key, _, value = assignment.partition("=")
    assert vf.load(scenario, [assignment]).workload == expected
    loaded: Any = vf.load(scenario)
    assert loaded.with_(**{key: value}).workload == expected


def test_another_kind_takes_the_place_of_a_file(scenario: Path) -> None:
    assert isinstance(vf.load(scenario, ["workload.kind=idle"]).workload, SyntheticWorkload)


def test_a_scenario_that_is_kept_needs_the_file_no_more(scenario: Path, tmp_path: Path) -> None:
    loaded = vf.load(scenario)
    write_scenario(loaded, tmp_path / "kept.yaml")
    (tmp_path / "text.yaml").write_text(text_of(loaded))
    (tmp_path / "W.yaml").unlink()
    assert read_back(tmp_path / "kept.yaml").hash == vf.load(tmp_path / "text.yaml").hash == loaded.hash


def test_the_schema_knows_the_file() -> None:
    choices = json_schema()["properties"]["workload"]["anyOf"]
    assert [choice["required"] for choice in choices if "from" in choice.get("properties", ())] == [["from"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (WORKLOAD.replace("300 /s", "300"), "W.yaml:6:44: workload.sets.1.visits: 300 has no unit"),
        (WORKLOAD.replace("/s}", "/s, bust: 64 B}", 1), "W.yaml:5:53: workload.sets.0.bust: unknown key"),
        (WORKLOAD.replace("64 KiB", "3 MiB"), "W.yaml:6:28: workload.sets.1.memory: 3 MiB from"),
        (WORKLOAD.replace("kind: hot-sets", "kind: hot-set"), "W.yaml:3:7: workload.kind: 'hot-set' is unknown"),
        (WORKLOAD.replace("kind: hot-sets", "trace: a.parquet"), "W.yaml:3:8: trace: a file with a"),
        ("from: V.yaml", "W.yaml:1:7: from: a file with a workload names no other file"),
        ("- 3", "W.yaml:1:1: a workload is a mapping of keys"),
        ("a: [", "workload.from: "),
        (None, "workload.from: "),
    ],
)  # fmt: skip
def test_errors_name_file_line_and_key(scenario: Path, tmp_path: Path, text: str | None, words: str) -> None:
    (tmp_path / "W.yaml").unlink() if text is None else (tmp_path / "W.yaml").write_text(text)
    with pytest.raises(ScenarioError) as caught:
        vf.load(scenario)
    assert words in str(caught.value)
    assert "W.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["3", "''", '"a\\0b"', "[a]"])
def test_refuses_what_is_no_path(scenario: Path, name: str) -> None:
    with pytest.raises(ScenarioError, match=r"workload\.from: write the path of a file with a workload"):
        vf.load(scenario, [f"workload.from={name}"])
