"""Commands whose parent is ended from outside: what is done is kept, and no process stays behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from interruptions import living
from scenarios_for_tests import minute

from vmfailover.cli.boundary import TERMINATED
from vmfailover.scenario.writing import write_scenario

#: Within which processes without a parent are gone, seconds.
PATIENCE = 20
BETWEEN = "replication.checkpoint_interval=60us:400us"
#: Commands with processes that would take minutes.
COMMANDS = {
    "run": ("--replications", "300"),
    "compare": ("--protocols", "cacheline-flags,cold-restart", "--replications", "150"),
    "sweep": ("-p", f"{BETWEEN}:300"),
    "sensitivity": ("--vary", BETWEEN, "--vary", "link.latency=1us:20us", "--samples", "60"),
    "tune": ("--vary", BETWEEN, "--trials", "1000"),
    "check": ("--replications", "300"),
    "explore": ("--epochs", "1000"),
    "availability": ("--failovers", "300"),
}


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.yaml"
    write_scenario(minute(expect={"image.consistent": "== true"}), path)
    return path


def begun(command: str, *arguments: object, ctrl_c: signal.Handlers = signal.SIG_DFL) -> "subprocess.Popen[str]":
    """Start a command with two processes, as the leader of a group of its own, to which Ctrl-C does that."""
    return subprocess.Popen(
        [sys.executable, "-m", "vmfailover", command, *map(str, arguments), "--jobs", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, ctrl_c),
    )


def wait_until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    ended = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ended, "waited in vain"
        time.sleep(0.02)


def with_workers(process: "subprocess.Popen[str]") -> Callable[[], bool]:
    """Return whether a command has its two processes by now."""

    def condition() -> bool:
        assert process.poll() is None, process.communicate()
        workers = [pid for pid in living(process.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        return len(workers) == 2

    return condition


def end(process: "subprocess.Popen[str]", number: signal.Signals) -> None:
    """Send a signal to a command alone, and require that all of its processes go."""
    os.kill(process.pid, number)
    process.wait(PATIENCE)
    wait_until(lambda: not living(process.pid))


EVERY = [pytest.param(command, marks=() if command == "run" else pytest.mark.slow) for command in COMMANDS]


@pytest.mark.parametrize("command", EVERY)
def test_no_process_outlives_a_command_that_is_killed(command: str, scenario: Path) -> None:
    process = begun(command, scenario, *COMMANDS[command])
    wait_until(with_workers(process), 60)
    end(process, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize(
    "ctrl_c",
    [
        pytest.param(signal.SIG_DFL, id="alone"),
        pytest.param(signal.SIG_IGN, id="behind-a-shell", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("command", EVERY)
def test_sigterm_acts_as_ctrl_c_does(command: str, ctrl_c: signal.Handlers, scenario: Path) -> None:
    process = begun(command, scenario, *COMMANDS[command], ctrl_c=ctrl_c)
    wait_until(with_workers(process), 60)
    end(process, signal.SIGTERM)
    output, errors = process.communicate()
    assert process.returncode == TERMINATED
    assert "Traceback" not in output + errors


@pytest.mark.slow
def test_what_is_done_before_sigterm_is_kept(scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = begun("sweep", scenario, *COMMANDS["sweep"], "--out", out, "--json")
    wait_until(lambda: len(list(out.glob("point-*.parquet"))) >= 3, 60)
    os.killpg(process.pid, signal.SIGTERM)
    output, errors = process.communicate(timeout=PATIENCE)
    kept = len(pd.read_parquet(out))
    assert process.returncode == TERMINATED
    assert kept >= 3
    assert errors.endswith(" of 300 points are done; the same command goes on with the others\n")
    assert len(errors.splitlines()) == 1
    assert 0 <= kept - len(json.loads(output)["points"]) <= 1
