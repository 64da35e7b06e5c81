"""Which format an input has: what the user says, or what its first 64 KiB look like."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vmfailover.errors import ParameterError
from vmfailover.traces.convert.form import Format
from vmfailover.traces.convert.formats.champsim import CHAMPSIM
from vmfailover.traces.convert.formats.columns import ColumnsFormat
from vmfailover.traces.convert.formats.din import DIN
from vmfailover.traces.convert.formats.drmemtrace import DRMEMTRACE
from vmfailover.traces.convert.formats.execlog import EXECLOG
from vmfailover.traces.convert.formats.gem5 import GEM5
from vmfailover.traces.convert.formats.lackey import LACKEY
from vmfailover.traces.convert.formats.pinatrace import PINATRACE
from vmfailover.traces.convert.formats.qemu_plugin import QEMU_PLUGIN
from vmfailover.traces.convert.formats.xdin import XDIN
from vmfailover.traces.convert.reading import ConversionError
from vmfailover.traces.convert.refused import reason_to_refuse
from vmfailover.traces.convert.specification import ColumnSpec
from vmfailover.traces.convert.streams import STDIN, Stream

__all__ = ["AUTO", "FORMATS", "NAMES", "chosen", "files_of"]

#: The formats that are told by looking, in the order in which they are tried.
FORMATS: tuple[Format, ...] = (QEMU_PLUGIN, GEM5, DRMEMTRACE, LACKEY, EXECLOG, PINATRACE, XDIN, DIN, CHAMPSIM)
AUTO = "auto"
#: What `--format` takes.
NAMES = (AUTO, "columns", *sorted(form.name for form in FORMATS))


def chosen(name: str, columns: str | None, streams: Sequence[Stream]) -> Format:
    """Return the format of that name (of NAMES), or for `auto` the one that the streams look like.

    Raise InputError for streams that are of none, of several, or from which no guest can be made.
    """
    if name not in NAMES:
        raise ParameterError("format", f"there is no format '{name}'", remedy=f"there are {', '.join(NAMES)}")
    for stream in streams:
        _refuse(stream)
    if columns is not None and name in (AUTO, "columns"):
        return ColumnsFormat(ColumnSpec.parse(columns))
    if columns is not None or name == "columns":
        raise ParameterError("columns", "goes together with the format columns", remedy="give both, or neither")
    if name != AUTO:
        return next(form for form in FORMATS if form.name == name)
    found = [_recognised(stream) for stream in streams]
    for stream, form in zip(streams, found, strict=True):
        if form is not found[0]:
            raise ConversionError(
                f"{stream.name}: looks like {form.name}, but {streams[0].name} like {found[0].name}; convert them apart"
            )
    return found[0]


def _refuse(stream: Stream) -> None:
    if not stream.head:
        raise ConversionError(f"{stream.name}: is empty; record or copy it again")
    reason = reason_to_refuse(stream.head)
    if reason:
        raise ConversionError(f"{stream.name}: {reason}")


def _recognised(stream: Stream) -> Format:
    form = next((form for form in FORMATS if form.recognises(stream.head)), None)
    if form is None:
        begun = ", a table" if stream.head.startswith((b"PAR1", b"\x93NUMPY")) else ""
        problem = f"is of no format that is known by looking{begun}"
        remedy = "say which with {format}, or name its columns with {columns}"
        raise ParameterError("format", problem, about=stream.name, remedy=remedy)
    return form


def files_of(path: Path) -> list[Path]:
    """Return the files of an input: itself, or those of a folder that drmemtrace wrote.

    Raise ConversionError for any other folder, and for one whose files cannot be read.
    """
    if path == STDIN or not path.is_dir():
        return [path]
    folder = path / "trace" if (path / "trace").is_dir() else path
    files = sorted(each for each in folder.iterdir() if ".trace" in each.name and each.is_file())
    if not files:
        raw = (path / "raw").is_dir()
        told = "only raw data; run drraw2trace on it" if raw else "no files named *.trace*, as drmemtrace's; give files"
        raise ConversionError(f"{path}: is a folder with {told}")
    return files
