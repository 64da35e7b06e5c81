"""`vmfailover tune` and `vmfailover sensitivity`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from scenarios_for_tests import minute

from vmfailover.cli.main import main
from vmfailover.scenario.writing import write_scenario

INTERVAL = ("--vary", "replication.checkpoint_interval=80us:300us:log")


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.yaml"
    write_scenario(minute(failures=[]), path)
    return path


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments), "--jobs", "1", "--replications", "1"])


def tune(*arguments: object) -> Result:
    return invoke("tune", *arguments, *INTERVAL, "--trials", "6", "--confirm", "3")


def test_the_best_value_is_told_with_how_sure_it_is(scenario: Path) -> None:
    result = tune(scenario)
    assert result.exit_code == 0
    assert "mean of guest.slowdown is least at" in result.output
    assert "95 % confidence" in result.output
    assert len(json.loads(tune(scenario, "--json").output)["trials"]) == 6


def test_no_value_is_told(scenario: Path) -> None:
    result = tune(scenario, "--subject-to", "guest.slowdown < 0.01 %")
    assert result.exit_code == 1
    assert "No value keeps the constraints" in result.output
    assert "beyond the limit by" in result.output


def test_keys_are_ranked(scenario: Path) -> None:
    latency = ("--vary", "link.latency=1us:5us")
    arguments = ("sensitivity", scenario, "--metric", "guest.slowdown", *INTERVAL, *latency, "--samples", "2")
    result = invoke(*arguments)
    assert result.exit_code == 0
    lines = [line for line in result.output.splitlines() if line.startswith(("replication.", "link."))]
    assert lines[0].startswith("replication.checkpoint_interval")
    assert json.loads(invoke(*arguments, "--json").output)["runs"] == 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tune", "--vary", "nothing"), "write KEY=LO:HI"),
        (("tune", "--minimize", "x"), "--minimize"),
        (("sensitivity", "--vary", "link.latency=1us:5us"), "at least two"),
    ],
)
def test_bad_input(scenario: Path, arguments: tuple[str, ...], words: str) -> None:
    command, *others = arguments
    result = invoke(command, scenario, *others)
    assert result.exit_code == 2
    assert words in result.output
