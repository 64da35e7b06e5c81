"""`vmfailover availability`: what it prints, and its exit codes."""

import json

import pytest
from click.testing import CliRunner, Result

from vmfailover.cli.main import main

from .conftest import ScenarioFile

BRIEF = ("--set", "duration=6 ms", "--set", "failures.0.at=2200 us", "--jobs", "1", "--failovers", "2")


def available(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["availability", *map(str, arguments)])


def test_json(scenario_file: ScenarioFile) -> None:
    options = ("--mttf", "30 d", "--mttr", "90min", "--repair", "one-crew", "--weibull-shape", 2, "--seed", 5)
    result = available(scenario_file(), *BRIEF, *options, "--years", 100, "--replications", 4, "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert content["schema_version"] == 1
    assert (content["seed"], content["replications"]) == (5, 4)
    assert content["years"] == pytest.approx(100)
    model = content["model"]
    assert (model["mttf_ns"], model["mttr_ns"]) == (30 * 24 * 3600 * 10**9, 90 * 60 * 10**9)
    assert (model["one_crew"], model["weibull_shape"], len(model["failovers_ns"])) == (True, 2.0, 2)


def test_table(scenario_file: ScenarioFile) -> None:
    result = available(scenario_file(), *BRIEF, "--failures", 10_000)
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("base · seed 7 · cacheline-flags\nAvailable 99.99")
    assert "MTTF 1000 h, MTTR 4 h, independent repair" in result.stdout


def test_a_broken_invariant_is_told_and_exits_with_one(scenario_file: ScenarioFile) -> None:
    forgetful = ("--set", "replication.hypervisor_writes=missed")
    result = available(scenario_file(), *BRIEF, *forgetful, "--failures", 100)
    assert result.exit_code == 1
    assert "BROKEN INVARIANT image" in result.stdout
    assert "error: seed 8: invariant image" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--mttf", "1000"), "error: --mttf: '1000' is not a time; write a number and a unit"),
        (("--mttr", "-4h"), "error: --mttr: '-4h' is negative"),
        (("--mttr", "0h"), "error: --mttr: must be above zero"),
        (("--years", "5", "--failures", "5"), "error: --years and --failures both say how long"),
        (("--mttf", "1ms", "--mttr", "1ms", "--years", "1000"), "failures of hosts; simulate less time"),
        (("--set", "fencing.failure_probability=100%"), "no failover followed a failure at"),
    ],
)
def test_bad_input_is_one_line(scenario_file: ScenarioFile, options: tuple[str, ...], message: str) -> None:
    result = available(scenario_file(), *BRIEF, *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


@pytest.mark.parametrize("options", [("--repair", "no"), ("--weibull-shape", "0"), ("--replications", "1")])
def test_wrong_usage_exits_with_two(scenario_file: ScenarioFile, options: tuple[str, ...]) -> None:
    assert available(scenario_file(), *options).exit_code == 2
