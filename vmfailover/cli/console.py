"""Tables on a terminal, or in the log of a build, which takes some lines for commands."""

import sys
from typing import IO, TYPE_CHECKING, Any, cast

from vmfailover.files.text import without_commands

if TYPE_CHECKING:
    from rich.console import Console


def console() -> "Console":
    """Return what tables are printed on: stdout, on which no name that they show is a command."""
    from rich.console import Console

    class Unguarded(Console):
        """One that leaves it to the command what becomes of a reader that has gone away."""

        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Unguarded(highlight=False, file=cast(IO[str], _WithoutCommands(sys.stdout)))


class _WithoutCommands:
    """A stream of text to which no command is written."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text of whole lines."""
        return self._stream.write(without_commands(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
