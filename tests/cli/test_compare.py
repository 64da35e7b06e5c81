"""`vmfailover compare`: what it prints, what it leaves behind, and its exit codes."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from vmfailover.cli.main import main
from vmfailover.scenario.replication import Replication
from vmfailover.studies.comparison_export import files_of
from vmfailover.studies.comparison_reading import read_comparison

from .conftest import ScenarioFile

BRIEF = ("--set", "duration=6 ms", "--set", "failures.0.at=2200 us", "--jobs", "1")


def compare(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, arguments)])


@pytest.mark.slow
def test_protocols_side_by_side(scenario_file: ScenarioFile, tmp_path: Path) -> None:
    out = tmp_path / "out"
    quick = ("--set", "replication.restart.boot=300us", "--set", "replication.precopy.lead=1ms")
    result = compare(scenario_file(), "--protocols", "all", *BRIEF, *quick, "--replications", 2, "--out", out, "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert list(content["columns"]) == list(Replication.kinds)
    assert content["baseline"] == "cacheline-flags"
    assert content["replications"] == 2
    assert sorted(path.name for path in out.iterdir()) == sorted(files_of(read_comparison(out)))
    assert json.loads(read_comparison(out).to_json()) == content
    assert json.loads((out / "comparison.json").read_text()) == content
    assert len(pd.read_parquet(out / "comparison.parquet")) == 2 * len(Replication.kinds)


def test_scenarios_side_by_side(scenario_file: ScenarioFile) -> None:
    files = scenario_file(), scenario_file("no-streaming")
    result = compare(*files, *BRIEF, "--replications", 1, "--baseline", "no-streaming")
    assert result.exit_code == 0
    assert "no-streaming" in result.stdout
    assert "latency" in result.stdout


def test_a_broken_invariant_is_told_and_exits_with_one(scenario_file: ScenarioFile) -> None:
    forgetful = ("--set", "replication.hypervisor_writes=missed")
    result = compare(scenario_file(), *BRIEF, "--replications", 1, *forgetful)
    assert result.exit_code == 1
    assert "BROKEN INVARIANT image" in result.stdout
    assert "error: base, seed 7: invariant image" in result.stderr


def test_a_protocol_that_cannot_protect_is_left_out_of_all(scenario_file: ScenarioFile) -> None:
    path = scenario_file("two-vcpus")
    all_of_them = compare(
        path, "--protocols", "all", *BRIEF, "--replications", 1, "--set", "replication.restart.boot=0s"
    )
    assert all_of_them.exit_code == 0
    assert "record-replay: not possible here:" in all_of_them.stdout
    named = compare(path, "--protocols", "record-replay", *BRIEF)
    assert named.exit_code == 2
    assert "record-replay protects VMs of 1 vCPU" in named.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--protocols", "raid"), "replication.protocol: 'raid' is unknown"),
        (("--protocols", "cacheline-flags,cacheline-flag"), "did you mean 'cacheline-flags'?"),
        (("--baseline", "other"), "--baseline: 'other' is not compared; it is one of base"),
    ],
)
def test_bad_input_is_one_line(scenario_file: ScenarioFile, options: tuple[str, ...], message: str) -> None:
    result = compare(scenario_file(), *BRIEF, *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_protocols_need_one_scenario(scenario_file: ScenarioFile) -> None:
    result = compare(scenario_file(), scenario_file("no-streaming"), "--protocols", "all")
    assert result.exit_code == 2
    assert "on one scenario" in result.stderr


def test_two_scenarios_of_one_name_cannot_be_compared(scenario_file: ScenarioFile) -> None:
    result = compare(scenario_file(), scenario_file())
    assert result.exit_code == 2
    assert "the same name" in result.stderr


def test_keys_of_all_that_is_compared_are_taken_and_none_is_called_unused(scenario_file: ScenarioFile) -> None:
    blocks = {"undo_log": {"placement": "local"}, "record_replay": {"interval": "100 us"}}
    path = scenario_file("base", replication=blocks)
    result = compare(path, "--protocols", "undo-log, record-replay", *BRIEF, "--replications", 1)
    assert result.exit_code == 0, result.output
    assert "no use" not in result.output
    refused = compare(path, "--protocols", "undo-log,page-dirty-bits", *BRIEF)
    assert refused.exit_code == 2
    assert "replication.record_replay: belongs to record-replay; leave it out" in refused.output
