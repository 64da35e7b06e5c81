"""The command group: quick help, and errors without tracebacks."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML
from scenarios_for_tests import minute

from vmfailover.cli.boundary import NOBODY_READS, TRACEBACK, error_boundary
from vmfailover.cli.main import COMMANDS, main
from vmfailover.errors import InputError
from vmfailover.scenario.writing import as_written

HEAVY = {"pydantic", "pandas", "numpy", "numba", "pyarrow", "simpy", "ruamel.yaml", "quantiphy"}


def test_help_lists_the_commands() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert all(f"  {name} " in result.stdout and text in result.stdout for name, text in COMMANDS.items())


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from vmfailover.cli.main import main; main(['--help'], standalone_mode=False); "
    code += f"print('heavy:', *sorted({HEAVY} & sys.modules.keys()))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "heavy:"


def test_version() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.startswith("vmfailover ")


def test_runs_as_a_module() -> None:
    result = subprocess.run([sys.executable, "-m", "vmfailover", "frobnicate"], capture_output=True, text=True)
    assert result.returncode == 2
    assert "No such command 'frobnicate'" in result.stderr


def test_a_character_that_the_terminal_does_not_have_is_no_error(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vmfailover", "init", str(tmp_path / "a–b.yaml")]
    environment = {**os.environ, "PYTHONIOENCODING": "iso-8859-1"}
    process = subprocess.run(command, capture_output=True, encoding="iso-8859-1", env=environment)
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.startswith(f"{tmp_path / 'a?b.yaml'}: written; ")


def failing(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        with error_boundary():
            raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "stderr"),
    [
        (InputError("x.yaml:1:2: wrong"), 2, "x.yaml:1:2: wrong\n"),
        (InputError("x.yaml:1:2: wrong\nx.yaml:2:2: wrong"), 2, "x.yaml:1:2: wrong\nx.yaml:2:2: wrong\n"),
        (InputError("too many"), 2, "error: too many\n"),
        (PermissionError(13, "Permission denied", "out"), 2, "error: out: permission denied\n"),
        (OSError("disk on fire"), 2, "error: cannot continue: disk on fire\n"),
        (MemoryError(), 2, "error: there is not enough memory; make vm.memory or the trace's memory_bytes smaller\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_become_lines_and_exit_codes(error: BaseException, code: int, stderr: str) -> None:
    result = CliRunner().invoke(click.command()(failing(error)))
    assert (result.exit_code, result.stderr, result.stdout) == (code, stderr, "")


def unread(*arguments: str) -> tuple[bytes, int]:
    """Run a command whose stdout nobody reads; return what it says on stderr, and its exit code."""
    script = "from vmfailover.cli.main import main; main()"
    command = [sys.executable, "-c", script, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        return process.stderr.read(), process.wait()


def test_a_reader_that_has_gone_away_is_no_answer() -> None:
    assert unread("schema", "--metrics") == (b"", NOBODY_READS)


@pytest.mark.slow
def test_what_nobody_reads_is_saved_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    with path.open("w") as file:
        YAML().dump(as_written(minute("no-failure")), file)
    stderr, code = unread("run", str(path), "--out", str(tmp_path / "out"))
    assert (b"Traceback" in stderr, b"error" in stderr, code) == (False, False, NOBODY_READS)
    assert (tmp_path / "out" / "summary.json").exists()


def test_a_defect_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    result = CliRunner().invoke(click.command()(failing(ZeroDivisionError("by nothing"))))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ZeroDivisionError: by nothing (test_main.py:")
    assert result.stderr.endswith(
        "); a defect of vmfailover, not of what it was given; VMFAILOVER_TRACEBACK=1 shows where\n"
    )
    monkeypatch.setenv(TRACEBACK, "1")
    result = CliRunner().invoke(click.command()(failing(ZeroDivisionError())))
    assert isinstance(result.exception, ZeroDivisionError)


def test_a_name_that_is_not_utf_8_is_told() -> None:
    result = CliRunner().invoke(click.command()(failing(UnicodeEncodeError("utf-8", "\udc80", 0, 1, "surrogates"))))
    told = "error: the name of a file or folder is not UTF-8, and cannot be written down; rename it\n"
    assert (result.exit_code, result.stderr) == (2, told)
