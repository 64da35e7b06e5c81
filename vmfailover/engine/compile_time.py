"""How long the compiler is at work, and word of it while it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from time import perf_counter
from typing import Any

from numba.core import event

#: What the compiler calls its work on one function, those that this one calls included.
_COMPILING = "numba:compile"
#: What it calls that and the loading of machine code that is kept from an earlier process.
_AT_WORK = "numba:compiler_lock"
#: A function that takes longer to compile is told of, seconds.
PATIENCE = 1.0


class CompileTime(event.Listener):
    """Adds up the time between the outermost of events that have a beginning and an end."""

    def __init__(self) -> None:
        """Begin at zero."""
        #: Time spent so far.
        self.seconds = 0.0
        self._depth = 0
        self._began = 0.0

    def on_start(self, event: Any) -> None:
        """Begin with a function, maybe one that another one calls."""
        del event
        if self._depth == 0:
            self._began = perf_counter()
            self.begin()
        self._depth += 1

    def on_end(self, event: Any) -> None:
        """End with a function."""
        del event
        self._depth -= 1
        if self._depth == 0:
            self.seconds += perf_counter() - self._began
            self.end()

    def begin(self) -> None:
        """Do what is to be done when the compiler begins."""

    def end(self) -> None:
        """Do what is to be done when the compiler ends."""


class Announcement(CompileTime):
    """Calls `tell` once the compiler has been at work for a while, only the first time."""

    def __init__(self, tell: Callable[[], None]) -> None:
        """Wait for `PATIENCE` before `tell` is called, from another thread."""
        super().__init__()
        self._tell = tell
        self._told = False

    def begin(self) -> None:
        """Begin to be patient."""
        self._patience = Timer(PATIENCE, self._speak)
        self._patience.daemon = True
        self._patience.start()

    def end(self) -> None:
        """Say nothing any more."""
        self._patience.cancel()
        self._patience.join()

    def _speak(self) -> None:
        if not self._told:
            self._told = True
            self._tell()


@contextmanager
def compile_time() -> Iterator[CompileTime]:
    """Take the time in which functions are compiled meanwhile, or loaded that an earlier process has compiled."""
    with event.install_listener(_AT_WORK, CompileTime()) as clock:
        yield clock


@contextmanager
def told_of_compiling(tell: Callable[[], None]) -> Iterator[None]:
    """Have `tell` called as soon as something takes long to compile meanwhile, once at most."""
    with event.install_listener(_COMPILING, Announcement(tell)):
        yield
