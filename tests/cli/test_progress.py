"""The progress bar of a long run, and interrupting it from the keyboard."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest
from scenarios_for_tests import small

from vmfailover.cli.progress import followed
from vmfailover.results.export import FILES

from .conftest import ScenarioFile

COMMAND = [sys.executable, "-m", "vmfailover", "run"]


@contextmanager
def terminal(command: list[str], printed: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Start a command that writes its errors to a terminal; give it and the terminal's other end."""
    leader, follower = pty.openpty()
    with printed.open("w") as stdout, subprocess.Popen(command, stdout=stdout, stderr=follower) as process:
        os.close(follower)
        yield process, leader
        while read(leader):
            pass
    os.close(leader)


def read(leader: int) -> bytes:
    """Read what a terminal shows; nothing at the end, which Linux reports as an error."""
    try:
        return os.read(leader, 10_000)
    except OSError:
        return b""


def shows(leader: int, text: bytes) -> bool:
    """Wait until a terminal shows a text, or nothing more."""
    shown = b""
    while text not in shown:
        more = read(leader)
        if not more:
            return False
        shown += more
    return True


def long_run(path: Path, duration: str) -> list[str]:
    """A run that takes much longer than two seconds unless it is interrupted."""
    return [*COMMAND, str(path), "--set", f"duration={duration}", "--set", "failures=[]"]


@pytest.mark.slow
def test_an_interrupt_saves_what_there_is(scenario_file: ScenarioFile, tmp_path: Path) -> None:
    out, printed = tmp_path / "out", tmp_path / "printed"
    with terminal([*long_run(scenario_file(), "2s"), "--out", str(out)], printed) as (process, leader):
        assert shows(leader, b"base")
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130
    assert "\nInterrupted at " in printed.read_text()
    assert "Every invariant holds." in printed.read_text()
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert json.loads((out / "summary.json").read_text())["metrics"]["checkpoint.count"] > 0


@pytest.mark.slow
def test_no_bar_in_a_pipe(scenario_file: ScenarioFile) -> None:
    process = subprocess.run(long_run(scenario_file(), "300ms"), capture_output=True, text=True, check=True)
    assert process.stderr == ""
    assert "Every invariant holds." in process.stdout


def test_an_interrupt_ends_a_run_where_its_state_is_whole() -> None:
    before, scenario = signal.getsignal(signal.SIGINT), small(duration="4 s", failures=[])
    sender = Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    sender.start()
    result = followed(scenario)
    sender.join()
    assert result.interrupted
    assert 0 < result.end_ns < scenario.duration
    assert result.consistent
    assert signal.getsignal(signal.SIGINT) is before
