"""A command that runs, and whose recording comes through a pipe."""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from vmfailover.engine.interruption import Interruption
from vmfailover.traces.capture.failure import CaptureError

__all__ = ["RecordedCommand"]

#: Seconds that a command has to end by itself once it is asked to.
_PATIENCE = 5.0
#: Seconds between two looks whether the user has had enough.
_LOOK = 0.1
#: Bytes that wait in the pipe, so that recording and converting go on beside each other.
_PIPE_BYTES = 1 << 20
#: Lines of a command's output that its error tells.
_LAST_LINES = 3
#: Of Linux's prctl: which signal a process gets when its parent ends.
_PARENT_DEATH_SIGNAL = 1
_LIBRARY = ctypes.CDLL(None)


class RecordedCommand:
    """A command in a session of its own; to the end of the context it has ended, with all that it started there.

    Reads as a file of what it records. What it prints goes to stderr.
    """

    def __init__(self, name: str, command: Callable[[int], list[str]], interruption: Interruption) -> None:
        """Start what `command` returns for the descriptor to write to; an interruption ends it as limits do.

        Raise CaptureError if it cannot be started.
        """
        self._name, self._interruption = name, interruption
        self._deadline: float | None = None
        self._pipe, writing = os.pipe()
        with suppress(OSError):
            fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        try:
            self._process = subprocess.Popen(
                command(writing),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(writing,),
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        except OSError as error:
            os.close(self._pipe)
            raise CaptureError(f"{name}: cannot be started ({error.strerror})") from None
        finally:
            os.close(writing)
        self._last_lines: deque[bytes] = deque(maxlen=_LAST_LINES)
        self._echo = threading.Thread(target=self._pass_on_output, daemon=True)
        self._echo.start()

    def __enter__(self) -> RecordedCommand:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        """End the command, and what it has started."""
        os.close(self._pipe)
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_PATIENCE)
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._echo.join(_PATIENCE)

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes, none at the end; raise CaptureError for a command that failed by itself."""
        poll = select.poll()
        poll.register(self._pipe)
        while not poll.poll(1000 * _LOOK):
            self._heed_interruption()
        self._heed_interruption()
        part = os.read(self._pipe, size)
        if not part:
            self._check_success()
        return part

    def _heed_interruption(self) -> None:
        if not self._interruption.noted:
            return
        if self._deadline is None:
            self._deadline = time.monotonic() + _PATIENCE
            self._signal(signal.SIGTERM)
        elif time.monotonic() > self._deadline:
            self._signal(signal.SIGKILL)

    def _check_success(self) -> None:
        """Wait for the end of a command that records no more; raise CaptureError if it failed."""
        while self._process.poll() is None:
            self._heed_interruption()
            time.sleep(_LOOK / 10)
        if self._process.returncode and self._deadline is None:
            self._echo.join(_PATIENCE)
            raise CaptureError(f"{self._name}: {self._failure()}")

    def _failure(self) -> str:
        code = self._process.returncode
        ended = f"ended with code {code}" if code > 0 else f"was ended by signal {-code}"
        said = "; ".join(line.decode("utf-8", "replace").strip() for line in self._last_lines)
        if "-plugin" in said:
            ended += ", as this build of the emulator takes no such plug-in"
        return f"{ended}, and nothing is written: {said or 'it printed nothing'}"

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _pass_on_output(self) -> None:
        """Copy what the command prints to stderr as it comes, and keep its last lines."""
        assert self._process.stdout is not None
        unfinished = b""
        while part := os.read(self._process.stdout.fileno(), 1 << 16):
            with suppress(OSError):
                os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, part)
            *lines, unfinished = (unfinished + part).split(b"\n")
            self._last_lines.extend(line for line in (*lines,) if line.strip())
        if unfinished.strip():
            self._last_lines.append(unfinished)


def _end_with_parent() -> None:
    """Let the process that calls this be killed when its parent ends, where the system can do that."""
    if hasattr(_LIBRARY, "prctl"):
        _LIBRARY.prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL)
