"""What is different where this process is the kernel of a notebook."""

import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

#: What takes longer gets a bar, seconds.
PATIENCE = 3.0
_FORMAT = "{desc}: {percentage:3.0f} %|{bar}| {elapsed}<{remaining}"


def in_notebook() -> bool:
    """Say whether what is displayed goes to a notebook; IPython is not imported to find out."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


@contextmanager
def bar(description: str) -> Iterator[Callable[[int, int], None]]:
    """Show in a notebook how much of how much is done, by calling what this yields; elsewhere nothing.

    The bar comes after `PATIENCE` seconds and goes at the end. Without the package tqdm there is none.
    """
    shown = _Bar(description, _tqdm() if in_notebook() else None)
    try:
        yield shown.tell
    finally:
        shown.close()


class _Bar:
    """One bar of tqdm after the other, for each amount that there is to do."""

    def __init__(self, description: str, tqdm: Any) -> None:
        self._description, self._tqdm = description, tqdm
        self._began = time.monotonic()
        self._bar: Any = None

    def tell(self, done: int, of: int) -> None:
        """Show that so much of so much is done."""
        if self._tqdm is None:
            return
        if self._bar is None or self._bar.total != of:
            self.close()
            self._bar = self._begun(of)
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Take the bar away, if there is one."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _begun(self, of: int) -> Any:
        delay = max(0.0, self._began + PATIENCE - time.monotonic())
        return self._tqdm(total=of, desc=self._description, delay=delay, leave=False, bar_format=_FORMAT)


def _tqdm() -> Any:
    """Return tqdm's bar for where this runs; None without the package."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without ipywidgets, the bar is one of text
            from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm
