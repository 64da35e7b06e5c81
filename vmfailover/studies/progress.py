"""Who is told how far a study is."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from vmfailover.notebook import bar

#: Called after each run with how many are done and how many there are.
Progress = Callable[[int, int], None]


def unseen(done: int, of: int) -> None:
    """Tell nobody."""


def followed(progress: Progress | None, description: str) -> AbstractContextManager[Progress]:
    """Return a context of `progress` or, if that is None, of a bar: seen in notebooks only."""
    return bar(description) if progress is None else nullcontext(progress)
