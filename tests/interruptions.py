"""Interruptions that come when they are wanted."""

import os
import signal
from pathlib import Path

from vmfailover.studies.progress import Progress


def after(number: int) -> Progress:
    """Return a progress that the user interrupts when so many are done."""

    def interrupt(done: int, of: int) -> None:  # noqa: ARG001 - what a study calls
        if done >= number:
            raise KeyboardInterrupt

    return interrupt


def signal_after(number: int) -> Progress:
    """Return a progress that sends SIGINT to this process when so many are done."""

    def interrupt(done: int, of: int) -> None:  # noqa: ARG001 - what a study calls
        if done == number:
            signal.raise_signal(signal.SIGINT)

    return interrupt


def living(group: int) -> list[int]:
    """Return the processes of a group that have not ended."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, process_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(process_group) == group and state not in "ZX" and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found
