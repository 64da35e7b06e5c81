"""The progress bar of a long run, and interrupting it from the keyboard."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest
from click.testing import CliRunner
from scenarios_for_tests import minute, small

from vmfailover.cli import progress
from vmfailover.cli.main import main
from vmfailover.cli.progress import followed, foretell
from vmfailover.errors import InputError
from vmfailover.results.export import FILES
from vmfailover.scenario import Scenario
from vmfailover.studies.exploration import first_points, named_fault, some_of
from vmfailover.studies.instants import Trace

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


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"LOOK": 0.1, "LONG": 0.5, "EVERY": 0.15, "SHORT_NS": 0}.items():
        monkeypatch.setattr(progress, name, value)


@pytest.mark.usefixtures("impatient")
def test_a_long_run_says_what_it_takes_and_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    scenario = small(duration="10 s", failures=[])
    sender = Timer(1.5, os.kill, (os.getpid(), signal.SIGINT))
    sender.start()
    followed(scenario)
    sender.join()
    lines = capsys.readouterr().err.splitlines()
    (told,) = (line for line in lines if re.fullmatch(r"base: about \d+ (s|min|h) at [\d.]+ [kM] accesses/s", line))
    others = [line for line in lines if line != told]
    assert others
    assert all(re.fullmatch(r"base: \d+ % done after \d+ s(, about \d+ (s|min|h) to go)?", line) for line in others)


@pytest.mark.usefixtures("impatient")
def test_a_long_study_says_what_it_takes_before_it_begins(capsys: pytest.CaptureFixture[str]) -> None:
    foretell([small(duration="1 s", failures=[])] * 2, 100, 3)
    assert re.fullmatch(
        r"200 runs, 3 at once: about \d+ (s|min|h) at [\d.]+ [kM] accesses/s\n", capsys.readouterr().err
    )


@pytest.mark.parametrize(("scenarios", "looked_at"), [(1, 1), (5, 5), (6, 3), (48, 5)])
def test_a_few_scenarios_are_looked_at_for_a_while(
    scenarios: int, looked_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    monkeypatch.setattr(progress, "estimated", lambda _, seconds: looks.append(seconds))
    foretell([small(duration="1 s", failures=[])] * scenarios, 100, 1)
    assert looks == [1 / looked_at] * looked_at


def test_a_short_one_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    foretell([small(duration="3 ms", failures=[])], 2, 1)
    followed(small(duration="3 ms", failures=[]))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (119, "119 s"), (125, "2 min"), (7100, "118 min"), (7300, "2 h")]
)
def test_times_are_said_in_one_unit(seconds: float, text: str) -> None:
    assert progress._rounded(seconds) == text


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        (("sensitivity", "--vary", "a=1:2", "--vary", "b=1:2", "--samples", "4", "--replications", "3"), 4 * 3 * 3),
        (
            ("sensitivity", "--vary", "a=1:2", "--vary", "b=1:2", "--samples", "4", "--method", "sobol"),
            4 * 4,
        ),
        (("availability", "--failovers", "7"), 7),
    ],
)
def test_studies_say_what_they_take_before_they_begin(
    arguments: tuple[str, ...], runs: int, scenario_file: ScenarioFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, *options = arguments
    told: list[int] = []

    def foretold(scenarios: Sequence[Scenario], replications: int, _: int | None) -> None:
        told.append(len(scenarios) * replications)
        raise InputError("looked at")

    monkeypatch.setattr(f"vmfailover.cli.{name}.foretell", foretold)
    result = CliRunner().invoke(main, [name, str(scenario_file()), *options])
    assert result.stderr == "error: looked at\n"
    assert told == [runs]


def test_an_exploration_is_foretold_by_a_few_of_its_runs() -> None:
    scenario = minute("no-failure")
    runs = len(list(first_points(scenario, Trace(scenario), [named_fault("host-crash")], 1)))
    few, each = some_of(scenario, ["host-crash"], 1, 5)
    assert 1 < len(few) <= 5
    assert runs <= len(few) * each < runs + each
    assert all(len(one.failures) == 1 for one in few)
