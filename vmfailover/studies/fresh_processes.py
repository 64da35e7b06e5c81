"""New processes that have nothing of this one but the protocols that are registered in it."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.context import SpawnContext, SpawnProcess
from types import ModuleType

from vmfailover.scenario.protocols import PROTOCOLS, ProtocolEntry


class FreshProcess(SpawnProcess):
    """A process that does not run the user's script again, which so needs no `if __name__ == "__main__":`.

    Only where a protocol is defined in the script itself is there no other way.
    """

    def start(self) -> None:
        """Start it."""
        with _script_hidden():
            super().start()


class FreshProcesses(SpawnContext):
    """What an executor makes its processes with."""

    Process = FreshProcess


def register(protocols: Mapping[str, ProtocolEntry]) -> None:
    """Let this process know the protocols of another one."""
    PROTOCOLS.update(protocols)


@contextmanager
def _script_hidden() -> Iterator[None]:
    """Let `multiprocessing` find no script that a new process had to run first."""
    script = sys.modules["__main__"]
    if not any(entry.implementation.startswith("__main__:") for entry in PROTOCOLS.values()):
        sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script
