"""Tells how much of a run's time some of its functions take."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import ParamSpec, TypeVar, cast

from vmfailover.hardware.cache import kernel
from vmfailover.hardware.cache.twin import CacheTwin

__all__ = ["Stopwatch"]

P = ParamSpec("P")
T = TypeVar("T")


class Stopwatch:
    """Adds up the time spent in functions that do not call each other."""

    def __init__(self) -> None:
        """Begin at zero."""
        #: Time spent so far.
        self.seconds = 0.0

    def timed(self, function: Callable[P, T]) -> Callable[P, T]:
        """Return the function, its time being taken."""

        def measured(*args: P.args, **kwargs: P.kwargs) -> T:
            began = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - began

        return measured

    def kernel(self) -> CacheTwin:
        """Return the compiled kernel, the time of each of its functions being taken."""
        return cast(CacheTwin, SimpleNamespace(**{name: self.timed(getattr(kernel, name)) for name in kernel.__all__}))

    @contextmanager
    def watching(self, owner: type, *methods: str) -> Iterator[None]:
        """Take the time of methods of a class meanwhile."""
        originals = {name: getattr(owner, name) for name in methods}
        for name, original in originals.items():
            setattr(owner, name, self.timed(original))
        try:
            yield
        finally:
            for name, original in originals.items():
                setattr(owner, name, original)
