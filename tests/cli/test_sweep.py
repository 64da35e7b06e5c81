"""`vmfailover sweep` and the replications of `vmfailover run`."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from scenarios_for_tests import minute

from vmfailover.cli.main import main
from vmfailover.scenario.writing import write_scenario


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.yaml"
    write_scenario(minute(failures=[]), path)
    return path


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments), "--jobs", "1"])


def test_a_sweep_is_printed_and_kept(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    keys = ("-p", "replication.checkpoint_interval=100us,200us", "-p", "link.bandwidth=10Gbit/s:40Gbit/s:2")
    result = invoke("sweep", scenario, *keys, "--out", out)
    assert result.exit_code == 0
    assert "4 points" in result.output
    assert len(pd.read_parquet(out)) == 4
    document = json.loads(invoke("sweep", scenario, *keys, "--out", out, "--json").output)
    assert [point["link.bandwidth"] for point in document["points"]] == [1e10, 4e10] * 2


def test_a_point_that_cannot_be_run_is_told(scenario: Path) -> None:
    result = invoke("sweep", scenario, "-p", "replication.checkpoint_interval=100us,1h")
    assert result.exit_code == 0
    assert "error: point 1:" in result.output
    assert "1 point could not be run" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-p", "nothing"), "write KEY=VALUES"),
        (("-p", "no.such.key=1,2"), "unknown key"),
        (("-p", "link.bandwidth=1ms:2ms:x"), "N of at least 2"),
        (("-p", "link.bandwidth=1Gbit/s:2Gbit/s", "--design", "latin-hypercube"), "needs the number of its points"),
    ],
)
def test_bad_input(scenario: Path, arguments: tuple[str, ...], words: str) -> None:
    result = invoke("sweep", scenario, *arguments)
    assert result.exit_code == 2
    assert words in result.output


def test_replications_are_printed_and_kept(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "replications"
    result = invoke("run", scenario, "--replications", "6", "--out", out)
    assert result.exit_code == 0
    assert "6 replications" in result.output
    assert "Stopped: 6 replications were asked for." in result.output
    assert len(pd.read_parquet(out / "replications.parquet")) == 6
    document = json.loads(invoke("run", scenario, "--replications", "6", "--json").output)
    mean = document["metrics"]["guest.slowdown"]["mean"]
    assert mean["low"] < mean["value"] < mean["high"]
    assert mean["n"] == 6


def test_until_a_precision(scenario: Path) -> None:
    result = invoke("run", scenario, "--until", "guest.slowdown ±50 %")
    assert result.exit_code == 0
    assert "Stopped: mean of guest.slowdown ±50 % was reached." in result.output
    assert invoke("run", scenario, "--until", "guest.slowdown").exit_code == 2
