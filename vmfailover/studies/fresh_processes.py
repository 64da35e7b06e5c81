"""New processes that have nothing of this one but the kinds that a script has added to it."""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import parent_process
from multiprocessing.context import SpawnContext, SpawnProcess
from threading import Thread
from types import ModuleType

from vmfailover.scenario.kinds import Kinds, Section

#: How often a process looks whether the one that started it is still there, seconds.
_GLANCE = 0.5


class FreshProcess(SpawnProcess):
    """A process that does not run the user's script again, which so needs no `if __name__ == "__main__":`.

    Only where a kind is defined in the script itself is there no other way.
    """

    def start(self) -> None:
        """Start it."""
        with _script_hidden():
            super().start()


class FreshProcesses(SpawnContext):
    """What an executor makes its processes with."""

    Process = FreshProcess


def begin(added: Mapping[str, Mapping[str, type[Section]]]) -> None:
    """Let this process know the kinds, by group and name, of the one that started it, and end with it."""
    for group, kinds in added.items():
        Kinds.groups[group].update(kinds)
    parent = parent_process()
    assert parent is not None
    Thread(target=_end_with, args=(parent.pid,), daemon=True).start()


def _end_with(parent: int) -> None:
    """Leave this process once it is another one's child: nobody waits for its results any more."""
    while os.getppid() == parent:
        time.sleep(_GLANCE)
    os._exit(1)


@contextmanager
def _script_hidden() -> Iterator[None]:
    """Let `multiprocessing` find no script that a new process had to run first."""
    script = sys.modules["__main__"]
    if not any(_in_script(kind) for kinds in Kinds.groups.values() for kind in kinds.added.values()):
        sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def _in_script(kind: type[Section]) -> bool:
    return kind.__module__ == "__main__" or kind.code.startswith("__main__:")
