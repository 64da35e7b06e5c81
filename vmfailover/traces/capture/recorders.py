"""What records a command: a plug-in of the emulator QEMU, or Valgrind; and what each does not see."""

from __future__ import annotations

import platform
import shlex
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vmfailover.errors import ParameterError
from vmfailover.traces.capture.failure import CaptureError
from vmfailover.traces.capture.plugin import compiled, version_of
from vmfailover.traces.convert.formats.lackey import LACKEY
from vmfailover.traces.convert.formats.qemu_plugin import QEMU_PLUGIN

__all__ = ["EMULATOR", "RECORDERS", "VALGRIND", "Recorder", "of_process", "of_vm"]

EMULATOR, VALGRIND = "emulator", "valgrind"
#: What can record a process, in the order in which they are looked for.
RECORDERS = (EMULATOR, VALGRIND)
_DMA = "what devices write (DMA), and the frames that interrupts push"
_KERNEL = "what the kernel does for the process, and processes that it starts"
_HOST_CLOCK = (
    "the guest's clock is the host's, slow as the emulator is; -icount shift=0,sleep=off lets it follow instructions"
)


@dataclass(frozen=True)
class Recorder:
    """A command that records another one."""

    #: What is recorded, and with what, for people.
    title: str
    #: Format of the recording.
    format: str
    #: Returns its command line, which writes the recording to the descriptor that it is given.
    command: Callable[[int], list[str]]
    #: Accesses that are still to be left out of what it records.
    skip: int
    #: What has to be known of the recording.
    notes: tuple[str, ...]


def of_vm(command: Sequence[str], skip: int, marker: bool, folder: Path) -> Recorder:
    """Return what records the guest of an emulator's command line; the plug-in is made in `folder`.

    Raise CaptureError if there is no emulator or no compiler.
    """
    at = next((index for index, word in enumerate(command) if Path(word).name.startswith("qemu-")), 0)
    clock = () if "-icount" in command else (_HOST_CLOCK,)
    return _emulated(command, at, skip, marker, folder, (f"not seen: {_DMA}", *clock))


def of_process(command: Sequence[str], recorder: str | None, skip: int, marker: bool, folder: Path) -> Recorder:
    """Return what records a program: one of RECORDERS, or for None the first that is there.

    Raise CaptureError if there is none, or no such program; ParameterError for a `marker` that Valgrind cannot heed.
    """
    program = shutil.which(command[0])
    if program is None:
        raise CaptureError(f"{command[0]}: is no program that is there; check its name")
    emulator = f"qemu-{platform.machine()}"
    if (recorder or _there(emulator)) == EMULATOR:
        whole = [emulator, program, *command[1:]]
        return _emulated(whole, 0, skip, marker, folder, (f"not seen: {_KERNEL}",))
    return _under_valgrind([program, *command[1:]], skip, marker)


def _there(emulator: str) -> str:
    if shutil.which(emulator):
        return EMULATOR
    if shutil.which("valgrind"):
        return VALGRIND
    raise CaptureError(f"{emulator}: is not there, and neither is valgrind; install one (Debian: qemu-user, valgrind)")


def _emulated(
    command: Sequence[str], at: int, skip: int, marker: bool, folder: Path, notes: tuple[str, ...]
) -> Recorder:
    version = version_of(command[at])
    plugin = compiled(folder, version)
    settings = f"skip={skip}" + (",marker=on" if marker else "")

    def recording(descriptor: int) -> list[str]:
        return [*command[: at + 1], "-plugin", f"{plugin},fd={descriptor},{settings}", *command[at + 1 :]]

    return Recorder(f"{shlex.join(command)} ({version})", QEMU_PLUGIN.name, recording, 0, notes)


def _under_valgrind(command: list[str], skip: int, marker: bool) -> Recorder:
    if marker:
        raise ParameterError("marker", "needs the emulator's plug-in", remedy="leave it out, or choose {recorder}")
    if shutil.which(VALGRIND) is None:
        raise CaptureError("valgrind: is not there; install it (Debian: valgrind)")

    def recording(descriptor: int) -> list[str]:
        return [VALGRIND, "--tool=lackey", "--trace-mem=yes", f"--log-fd={descriptor}", *command]

    return Recorder(f"{shlex.join(command)} (valgrind)", LACKEY.name, recording, skip, (f"not seen: {_KERNEL}",))
