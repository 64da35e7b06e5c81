"""A command runs, and a trace of it is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from vmfailover.engine.interruption import Interruption
from vmfailover.errors import ParameterError
from vmfailover.traces.capture.failure import CaptureError
from vmfailover.traces.capture.recorded import RecordedCommand
from vmfailover.traces.capture.recorders import Recorder, of_process, of_vm
from vmfailover.traces.convert.conversion import Conversion, convert_stream
from vmfailover.traces.convert.reading import Reading
from vmfailover.traces.convert.streams import Stream

__all__ = ["PROCESS", "VM", "Capture", "capture"]

#: What a command line starts: an emulator with a guest, or a process to be recorded itself.
VM, PROCESS = "vm", "process"


@dataclass(frozen=True)
class Capture:
    """What was recorded, and what became of it."""

    conversion: Conversion
    #: What the recorder does not see, and what else has to be known, a sentence each.
    notes: tuple[str, ...]
    #: Whether the user ended it; the trace has what was recorded by then.
    interrupted: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the conversion's fields by name, with notes and interruption."""
        return {**self.conversion.to_dict(), "notes": list(self.notes), "interrupted": self.interrupted}


def capture(
    command: Sequence[str],
    out: str | PathLike[str],
    kind: str,
    *,
    recorder: str | None = None,
    skip: int = 0,
    limit: int | None = None,
    marker: bool = False,
    progress: Callable[[int], None] = lambda _accesses: None,
) -> Capture:
    """Run a command, and write a trace of its accesses to memory to `out`, which appears only once it is whole.

    `kind` is VM for an emulator's command line, PROCESS for a program, which is then recorded by `recorder`, one of
    RECORDERS (None: the first that is there). The trace has the `limit` accesses after the first `skip`; with `marker`
    only those between the guest's marks (see marker.c). The command ends when the limit is reached. Ctrl-C ends it,
    too, and what was recorded by then is written. `progress` is told the number of accesses so far. Raise
    CaptureError, of one line, if nothing can be recorded or the command fails.
    """
    if not command:
        raise CaptureError("there is no command to record; give one after --")
    with TemporaryDirectory(prefix="vmfailover-") as folder:
        if kind == VM:
            chosen = of_vm(command, skip, marker, Path(folder))
        else:
            chosen = of_process(command, recorder, skip, marker, Path(folder))
        with Interruption() as interruption:
            conversion = _recorded(command[0], chosen, Path(out), limit, interruption, progress)
            return Capture(conversion, chosen.notes, interruption.noted)


def _recorded(
    name: str,
    recorder: Recorder,
    out: Path,
    limit: int | None,
    interruption: Interruption,
    progress: Callable[[int], None],
) -> Conversion:
    options = {"format": recorder.format, "skip": recorder.skip, "limit": limit}
    with RecordedCommand(name, recorder.command, interruption) as running:
        try:
            stream = Stream(Path(name), Reading(tolerant=True), running, title=recorder.title)
            if stream.head:
                return convert_stream(stream, out, converted=progress, **options)
        except ParameterError as error:
            if error.field != "skip":
                raise
        if interruption.noted:
            raise KeyboardInterrupt
        remedy = "check {skip}, {marker} and the command"
        raise ParameterError("marker", "has made no accesses that were to be recorded", about=name, remedy=remedy)
