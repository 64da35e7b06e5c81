"""Ctrl-C, or the interrupt of a notebook, or SIGTERM, while something runs."""

import signal
import threading
from types import FrameType, TracebackType


def interrupt() -> None:
    """Act as Ctrl-C does at this moment, also where a shell has this process ignore it."""
    if callable(signal.getsignal(signal.SIGINT)):
        signal.raise_signal(signal.SIGINT)
    else:
        raise KeyboardInterrupt


class Interruption:
    """Notes the first Ctrl-C instead of raising, so that a simulation can stop where its state is whole.

    A second one acts as it did before. Python delivers signals to the main thread only; elsewhere none is noted.
    """

    def __init__(self) -> None:
        """Note nothing until entered."""
        #: Whether there was a Ctrl-C.
        self.noted = False
        self._main = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> "Interruption":
        """Begin to note."""
        if self._main:
            self._before = signal.getsignal(signal.SIGINT)
            signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        """Let Ctrl-C act as before."""
        if self._main:
            signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.noted = True
        signal.signal(number, self._before)


class Terminations:
    """Lets SIGTERM, which a batch system or `timeout` sends, act as Ctrl-C does at that moment, and notes it.

    Python delivers signals to the main thread only; elsewhere SIGTERM acts as before.
    """

    def __init__(self) -> None:
        """Note nothing until entered."""
        #: Whether there was a SIGTERM.
        self.noted = False
        self._main = threading.current_thread() is threading.main_thread()

    def __enter__(self) -> "Terminations":
        """Begin."""
        if self._main:
            self._before = signal.signal(signal.SIGTERM, self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        """Let SIGTERM act as before."""
        if self._main:
            signal.signal(signal.SIGTERM, self._before)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.noted = True
        interrupt()


class UntilInterrupted:
    """A context that an interruption leaves early, without an error, so that what is done by then can be used."""

    def __init__(self) -> None:
        """Nothing has been interrupted yet."""
        #: Whether the context was left early.
        self.interrupted = False

    def __enter__(self) -> "UntilInterrupted":
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> bool:
        """End an interruption; pass on any other error."""
        self.interrupted = kind is not None and issubclass(kind, KeyboardInterrupt)
        return self.interrupted
