"""`vmfailover explain`: terms with their keys, for people and as JSON."""

import json

from click.testing import CliRunner

from vmfailover.cli.main import main

from .conftest import ScenarioFile


def test_terms_are_told_with_their_keys(scenario_file: ScenarioFile) -> None:
    result = CliRunner().invoke(main, ["explain", str(scenario_file()), "--set", "detection.confirmation=1ms"])
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == "base · cacheline-flags · arithmetic, not a run"
    (confirmation,) = (line.split() for line in lines if line.startswith("confirmation"))
    assert confirmation == ["confirmation", "1.00", "ms", "1.00", "ms", "detection", "(heartbeat)"]
    assert "hypervisor.redirect" in result.stdout


def test_json_adds_up(scenario_file: ScenarioFile) -> None:
    told = json.loads(CliRunner().invoke(main, ["explain", str(scenario_file()), "--json"]).stdout)
    for bound in ("shortest", "longest"):
        assert sum(term[f"{bound}_ns"] for term in told["failover"]) == told["failover_ns"][bound]
    assert [term["name"] for term in told["loss"]] == ["work"]


def test_a_scenario_that_is_wrong_is_told_in_a_line(scenario_file: ScenarioFile) -> None:
    result = CliRunner().invoke(main, ["explain", str(scenario_file()), "--set", "detection.timeout=0ms"])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
