"""Commands that are interrupted print and keep what is done, say so, and exit with 130."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from interruptions import after, living
from scenarios_for_tests import minute

from vmfailover.cli.main import main
from vmfailover.cli.options import INTERRUPTED
from vmfailover.scenario.writing import write_scenario
from vmfailover.studies.progress import Progress

KEYS = ("-p", "replication.checkpoint_interval=60us:400us:60")


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.yaml"
    write_scenario(minute(), path)
    return path


def invoke(*arguments: object, interrupted_after: int | None = None) -> Result:
    """Invoke a command in this process, which the user interrupts when so many runs are done."""

    @contextmanager
    def bar(description: str) -> Iterator[Progress]:  # noqa: ARG001 - what a command calls
        assert interrupted_after is not None
        yield after(interrupted_after)

    with pytest.MonkeyPatch.context() as monkey:
        if interrupted_after is not None:
            monkey.setattr(f"vmfailover.cli.{arguments[0]}.counted_bar", bar)
        return CliRunner().invoke(main, [*map(str, arguments), "--jobs", "1"])


def test_a_sweep(scenario: Path, tmp_path: Path) -> None:
    keys = ("-p", "replication.checkpoint_interval=100us,200us,300us")
    result = invoke("sweep", scenario, *keys, interrupted_after=2)
    assert result.exit_code == INTERRUPTED
    assert result.stderr == "interrupted: 2 of 3 points are done\n"
    assert "2 points" in result.stdout
    result = invoke("sweep", scenario, *keys, "--out", tmp_path / "out", "--json", interrupted_after=2)
    assert json.loads(result.stdout)["interrupted"] is True
    assert result.stderr == "interrupted: 2 of 3 points are done; the same command goes on with the others\n"


def test_replications(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = invoke("run", scenario, "--replications", 9, "--out", out, interrupted_after=4)
    assert result.exit_code == INTERRUPTED
    assert result.stderr == "interrupted: 4 replications of base are done\n"
    assert "Stopped: interrupted." in result.stdout
    assert len(pd.read_parquet(out / "replications.parquet")) == 4


def test_a_comparison(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    protocols = ("--protocols", "cacheline-flags,cold-restart")
    result = invoke("compare", scenario, *protocols, "--replications", 2, "--out", out, interrupted_after=1)
    assert result.exit_code == INTERRUPTED
    assert result.stderr == "interrupted: 1 of 4 runs are done\n"
    assert "cold-restart" in result.stdout
    assert len(pd.read_parquet(out / "comparison.parquet")) == 1


@pytest.mark.slow
def test_an_exploration(scenario: Path, tmp_path: Path) -> None:
    arguments = ("explore", scenario, "--epochs", 1, "--out", tmp_path / "out")
    result = invoke(*arguments, interrupted_after=8)
    assert result.exit_code == INTERRUPTED
    assert result.stderr == "interrupted: 8 runs are done; the same command goes on with the others\n"
    assert "8 runs" in result.stdout
    assert invoke(*arguments).exit_code == 0


def test_tuning(scenario: Path) -> None:
    pytest.importorskip("optuna")
    vary = ("--vary", "replication.checkpoint_interval=60us:450us:log")
    result = invoke("tune", scenario, *vary, "--trials", 9, "--replications", 1, interrupted_after=8)
    assert result.exit_code == INTERRUPTED
    assert result.stderr == "interrupted: 8 of 9 trials are done\n"
    assert "is least at" in result.stdout


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_and_then_the_same_command(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    command = [sys.executable, "-m", "vmfailover", "sweep", str(scenario), *KEYS, "--out", str(out), "--jobs", "2"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while len(list(out.glob("point-*.parquet"))) < 3:
        assert process.poll() is None
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    kept = {path: path.stat().st_mtime_ns for path in out.glob("point-*.parquet")}
    assert process.returncode == INTERRUPTED
    told = re.fullmatch(r"interrupted: (\d+) of 60 points are done; the same command goes on with the others\n", errors)
    assert told is not None, errors
    assert len(kept) >= 3
    assert int(told[1]) <= len(kept) <= int(told[1]) + 1
    ended = time.monotonic() + 60
    while living(process.pid):
        assert time.monotonic() < ended
        time.sleep(0.01)
    assert subprocess.run(command, capture_output=True, timeout=300).returncode == 0
    assert len(pd.read_parquet(out)) == 60
    assert all(path.stat().st_mtime_ns == written for path, written in kept.items())
