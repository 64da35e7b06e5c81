"""The plug-in for the emulator QEMU: compiled for the one that is there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from vmfailover.traces.capture.failure import CaptureError

__all__ = ["compiled", "version_of"]

_SOURCE = Path(__file__).with_name("plugin.c")
_VERSION = re.compile(r"^(?:QEMU emulator|qemu-\S+) version (\d+)[\d.]*", re.MULTILINE)
#: The first version of the emulator that takes no plug-ins of version 1 of the interface.
_SECOND_INTERFACE = 9
#: Seconds in which a compiler or an emulator answers.
_PATIENCE = 60


def version_of(emulator: str) -> str:
    """Return what an emulator says of its version; raise CaptureError for what is none, or is not there."""
    path = shutil.which(emulator)
    if path is None:
        raise CaptureError(f"{emulator}: is not there; install the emulator (Debian: qemu-system-x86, qemu-user)")
    found = _VERSION.search(_told([path, "--version"]))
    if found is None:
        raise CaptureError(f"{emulator}: is no emulator QEMU; give its command line, as in qemu-system-x86_64 -m 1G …")
    return found[0]


def compiled(folder: Path, version: str) -> Path:
    """Compile the plug-in into `folder` for an emulator of that version, and return where it is.

    Raise CaptureError if there is no compiler, or it fails.
    """
    compiler = shutil.which("cc")
    if compiler is None:
        raise CaptureError("cc: is not there; install a C compiler, which makes the emulator's plug-in (Debian: gcc)")
    found = _VERSION.search(version)
    interface = 2 if found and int(found[1]) >= _SECOND_INTERFACE else 1
    out = folder / "vmfailover.so"
    flags = ["-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-pthread", f"-DPLUGIN_VERSION={interface}"]
    said = _told([compiler, *flags, "-o", str(out), str(_SOURCE)])
    if not out.exists():
        raise CaptureError(f"{compiler}: cannot make the emulator's plug-in: {said[-500:]}")
    return out


def _told(command: list[str]) -> str:
    """Return what a command prints."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_PATIENCE, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CaptureError(f"{command[0]}: cannot be run ({error})") from None
    return done.stdout + done.stderr
