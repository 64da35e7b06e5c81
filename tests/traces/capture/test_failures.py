"""What goes wrong with a capture is told in one line, and leaves no trace and no process."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from traces.capture.guests import needs, pretended_emulator, stores_for_ever
from traces.convert.recordings import recording
from vmfailover.cli.main import main
from vmfailover.cli.options import BAD_INPUT
from vmfailover.traces.capture import capture, recorded
from vmfailover.traces.capture.capture import VM
from vmfailover.traces.format import open_trace

pytestmark = needs()

RECORDING = recording((0, 1, 0, 8, 0, 1), (64, 2, 0, 8, 0, 0))


def command(folder: Path, *arguments: object) -> Result:
    return CliRunner().invoke(main, ["trace", "capture", "--out", str(folder / "out.parquet"), *map(str, arguments)])


def error_of(folder: Path, *arguments: object) -> str:
    """Return the line that tells why nothing was captured."""
    result = command(folder, *arguments)
    assert (result.exit_code, result.stdout) == (BAD_INPUT, "")
    assert not (folder / "out.parquet").exists()
    assert result.stderr.count("\n") == 1
    return result.stderr


def test_no_emulator(tmp_path: Path) -> None:
    told = error_of(tmp_path, "--vm", "--", tmp_path / "qemu-none", "-m", "1G")
    assert "qemu-none: is not there; install the emulator" in told
    assert "true: is no emulator QEMU" in error_of(tmp_path, "--vm", "--", "true")


def test_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guest = pretended_emulator(tmp_path, "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "cc: is not there; install a C compiler" in error_of(tmp_path, "--vm", "--", guest)
    (tmp_path / "cc").write_text("#!/bin/sh\necho no room left >&2\nexit 1\n")
    (tmp_path / "cc").chmod(0o755)
    assert "cannot make the emulator's plug-in: no room left" in error_of(tmp_path, "--vm", "--", guest)


def test_neither_emulator_nor_valgrind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = stores_for_ever(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "is not there, and neither is valgrind" in error_of(tmp_path, "--process", "--", program)
    told = error_of(tmp_path, "--process", "--recorder", "valgrind", "--", program)
    assert "valgrind: is not there; install it" in told
    assert "no-such: is no program" in error_of(tmp_path, "--process", "--", "no-such")


def test_a_command_that_fails_tells_its_last_lines_even_after_it_has_recorded(tmp_path: Path) -> None:
    guest = pretended_emulator(
        tmp_path, f"output.write({RECORDING!r}); print('one\\ntwo\\nthree', flush=True); sys.exit('no memory')"
    )
    told = error_of(tmp_path, "--vm", "--", guest)
    assert told.endswith("qemu-pretended: ended with code 1, and nothing is written: two; three; no memory\n")
    guest = pretended_emulator(tmp_path, "os.kill(os.getpid(), signal.SIGSEGV)")
    assert "was ended by signal 11, and nothing is written: it printed nothing" in error_of(
        tmp_path, "--vm", "--", guest
    )


def test_an_emulator_without_plugins(tmp_path: Path) -> None:
    guest = pretended_emulator(tmp_path, "sys.exit('qemu: -plugin: invalid option')")
    assert "as this build of the emulator takes no such plug-in" in error_of(tmp_path, "--vm", "--", guest)


def test_nothing_that_was_to_be_recorded(tmp_path: Path) -> None:
    for does in ("", f"output.write({recording()!r})"):
        told = error_of(tmp_path, "--vm", "--marker", "--", pretended_emulator(tmp_path, does))
        assert "has made no accesses that were to be recorded; check --skip, --marker and the command" in told


def test_wrong_usage(tmp_path: Path) -> None:
    assert "Say what COMMAND is" in command(tmp_path, "--", "true").stderr
    told = error_of(tmp_path, "--process", "--recorder", "valgrind", "--marker", "--", "true")
    assert told == "error: --marker: needs the emulator's plug-in; leave it out, or choose --recorder\n"


@pytest.mark.slow
def test_the_plugin_is_an_option_of_the_emulator(tmp_path: Path) -> None:
    guest = pretended_emulator(tmp_path, f"output.write({RECORDING!r}); print(sys.argv[1:])")
    result = command(tmp_path, "--vm", "--skip", 7, "--", "env", guest, "-m", "1G")
    assert result.exit_code == 0
    assert "not seen: what devices write (DMA)" in result.stdout
    assert "the guest's clock is the host's" in result.stdout
    assert "clock" not in command(tmp_path, "--vm", "--", guest, "-icount", "0").stdout


def test_a_guest_is_ended_at_the_limit(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    guest = pretended_emulator(
        tmp_path, f"open({str(told)!r}, 'w').write(str(os.getpid()))\nwhile True: output.write({RECORDING!r}[32:] * 99)"
    )
    found = capture([str(guest)], tmp_path / "out.parquet", VM, limit=150_000)
    assert (found.conversion.accesses, found.interrupted) == (150_000, False)
    assert not Path("/proc", told.read_text()).exists()


@pytest.mark.parametrize("when_asked_to_end", ["signal.SIG_DFL", "signal.SIG_IGN"])
def test_ctrl_c_keeps_what_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when_asked_to_end: str) -> None:
    monkeypatch.setattr(recorded, "_PATIENCE", 0.2)
    told = tmp_path / "pid"
    guest = pretended_emulator(
        tmp_path,
        f"""signal.signal(signal.SIGTERM, {when_asked_to_end})
output.write({RECORDING!r} + b"no record")
open({str(told)!r}, "w").write(str(os.getpid()))
time.sleep(60)""",
    )
    threading.Thread(target=_interrupt_once, args=(told,)).start()
    result = command(tmp_path, "--vm", "--", guest)
    assert (result.exit_code, result.stderr) == (
        130,
        f"interrupted: {tmp_path}/out.parquet has what was recorded by then\n",
    )
    assert open_trace(tmp_path / "out.parquet").metadata.accesses == 2
    assert "left out: records cut off at the end" in result.stdout
    assert not Path("/proc", told.read_text()).exists()


def _interrupt_once(there: Path) -> None:
    wait_until(lambda: there.exists() and bool(there.read_text()))
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_before_anything_is_recorded_writes_nothing(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    guest = pretended_emulator(tmp_path, f"open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(60)")
    threading.Thread(target=_interrupt_once, args=(told,)).start()
    assert command(tmp_path, "--vm", "--", guest).exit_code == 130
    assert not (tmp_path / "out.parquet").exists()
    assert not Path("/proc", told.read_text()).exists()


@pytest.mark.slow
def test_a_guest_ends_with_what_records_it(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    guest = pretended_emulator(tmp_path, f"open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(60)")
    arguments = ["trace", "capture", "--out", str(tmp_path / "out.parquet"), "--vm", "--", str(guest)]
    command = subprocess.Popen([sys.executable, "-m", "vmfailover", *arguments], stderr=subprocess.DEVNULL)
    wait_until(lambda: told.exists() and bool(told.read_text()))
    command.kill()
    command.wait()
    wait_until(lambda: not Path("/proc", told.read_text()).exists())
    assert not (tmp_path / "out.parquet").exists()


def wait_until(condition: Callable[[], bool]) -> None:
    ended = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ended, "waited in vain"
        time.sleep(0.01)
