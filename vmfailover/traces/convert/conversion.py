"""Recordings of other programs become traces: the way from bytes to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vmfailover.errors import ParameterError
from vmfailover.traces.columns import Columns
from vmfailover.traces.convert.choice import AUTO, chosen, files_of
from vmfailover.traces.convert.form import Format
from vmfailover.traces.convert.mapping import FIRST_TOUCH, IDENTITY, mapping_of
from vmfailover.traces.convert.merging import merged
from vmfailover.traces.convert.operations import Operations
from vmfailover.traces.convert.pacing import Pace, by_access, by_time
from vmfailover.traces.convert.pages import PAGE_BYTES, LineCounts
from vmfailover.traces.convert.reading import MOST_BYTES, ConversionError, Reading
from vmfailover.traces.convert.splitting import (
    BLOCK_LOADS,
    BLOCK_STORES,
    INSTRUCTIONS,
    LOADS,
    STORES,
    BlockAccesses,
    Splitter,
)
from vmfailover.traces.convert.streams import STDIN, Stream, opened
from vmfailover.traces.format import write_trace
from vmfailover.traces.metadata import MAXIMUM_MEMORY_BYTES, MAXIMUM_VCPUS, TraceMetadata

__all__ = ["INSTRUCTIONS_PER_ACCESS", "Conversion", "Options", "convert", "convert_stream"]

#: Instructions of an access where neither the format nor the user tells.
INSTRUCTIONS_PER_ACCESS = 3.0
MERGE, VCPUS, ONLY = "merge", "vcpus", "only="


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a recording is converted; `None` leaves it to what the format tells."""

    #: A name of `choice.NAMES`.
    format: str = AUTO
    #: What the columns of a table are, as `--columns` says it.
    columns: str | None = None
    #: `first-touch`, `random` or `identity`; None: identity for physical addresses, first-touch for virtual ones.
    mapping: str | None = None
    #: Bytes of a page of the mapping, a power of two.
    page_bytes: int = 4096
    #: Bytes of the guest's memory; None: as much as is needed.
    memory_bytes: int | None = None
    #: Seed of a random mapping.
    seed: int = 1
    #: `merge` (all threads on one vCPU), `vcpus` (one each) or `only=ID`; None: vcpus if addresses are physical.
    threads: str | None = None
    #: Accesses to blocks that are left out at the beginning, and those that are converted after them.
    skip: int = 0
    limit: int | None = None
    #: Instructions that each access stands for, instead of those recorded.
    instructions_per_access: float | None = None
    #: Cycles a second, with `cpi` cycles an instruction: instructions follow from recorded times.
    clock_hz: float | None = None
    cpi: float | None = None
    #: Bytes of an access where the format tells no size.
    assume_size: int = 1
    #: Whether what is no record is left out and counted, instead of being an error.
    tolerant: bool = False

    def check(self) -> None:
        """Raise ParameterError for values that cannot be, alone or together."""
        page, memory = self.page_bytes, self.memory_bytes
        _require("page_bytes", page in {1 << shift for shift in range(12, 31)}, "is a power of two from 4 KiB to 1 GiB")
        _require(
            "memory_bytes",
            memory is None or (0 < memory <= MAXIMUM_MEMORY_BYTES and memory % page == 0),
            f"is a multiple of the page size, up to {MAXIMUM_MEMORY_BYTES >> 30} GiB",
        )
        _require("skip", self.skip >= 0, "is 0 or more")
        _require("limit", self.limit is None or self.limit > 0, "is 1 or more")
        _require("assume_size", 0 < self.assume_size <= MOST_BYTES, f"is 1 to {MOST_BYTES} bytes")
        _require("clock_hz", (self.clock_hz is None) == (self.cpi is None), "goes together with {cpi}; give both")
        for name in ("instructions_per_access", "clock_hz", "cpi"):
            value = getattr(self, name)
            _require(name, value is None or 0 < value < 1e15, "is above 0")
        _require(
            "instructions_per_access",
            self.instructions_per_access is None or self.clock_hz is None,
            "says how many instructions pass, and so does {clock_hz}; give one",
        )
        self.only()

    def only(self) -> int | None:
        """Return the thread to convert alone, None for all; raise ParameterError for what is no choice of threads."""
        if self.threads in (None, MERGE, VCPUS):
            return None
        name, number = str(self.threads)[: len(ONLY)], str(self.threads)[len(ONLY) :]
        known = name == ONLY and number.isdecimal() and len(number) < 19
        _require("threads", known, "is merge, vcpus or only=NUMBER")
        return int(number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What came in, and what became of it; addresses are counted before they are mapped."""

    format: str
    #: Accesses to one 64-byte block each, loads and stores together.
    accesses: int
    #: Operations as they were recorded.
    loads: int
    stores: int
    #: Instructions recorded, also after the last access; None where the format does not tell.
    instructions: int | None
    block_loads: int
    block_stores: int
    #: Distinct 64-byte lines and 4-KiB pages.
    lines_touched: int
    pages_touched: int
    lines_written: int
    pages_written: int
    #: Operations that reached into another line, and into another page.
    straddle_line: int
    straddle_page: int
    #: The highest address of an operation.
    max_address: int
    #: Instructions, loads and stores of each thread.
    threads: dict[str, dict[str, int]]
    #: What was left out, by kind.
    left_out: dict[str, int]
    #: Records of the trace: equal accesses in a row are one.
    records_written: int
    #: What the trace says about itself.
    metadata: TraceMetadata

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {**asdict(self), "max_address": f"{self.max_address:#x}"}


def convert(
    inputs: Sequence[str | PathLike[str]] | str | PathLike[str],
    out: str | PathLike[str] | None,
    *,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
    **options: Any,
) -> Conversion:
    """Convert recordings, one after the other, to the trace `out`, which appears only once it is whole.

    `inputs` are files, folders of drmemtrace, or `-` for stdin, all of one format. Without `out` all is done but the
    writing. The keywords are the fields of Options. `progress` is told how many bytes of how many are read. Raises
    InputError, of one line, for what cannot be converted, and OSError for files.
    """
    given = [inputs] if isinstance(inputs, str | PathLike) else list(inputs)
    chosen_options = Options(**options)
    chosen_options.check()
    reading = Reading(tolerant=chosen_options.tolerant, assumed_size=chosen_options.assume_size)
    paths = [path for each in given for path in files_of(Path(each))]
    if not paths or paths.count(STDIN) > 1:
        raise ConversionError("there has to be an input, and stdin can be read only once")
    _check_out(paths, out)
    return _Converter(chosen_options, reading, _opened(paths, reading, progress)).run(
        None if out is None else Path(out)
    )


def convert_stream(
    stream: Stream, out: Path, *, converted: Callable[[int], None] = lambda _accesses: None, **options: Any
) -> Conversion:
    """Convert what comes out of one stream, leaving out what is no record; `converted` is told the accesses so far.

    The keywords are the fields of Options. Raises as `convert` does.
    """
    chosen_options = Options(**options, tolerant=True)
    chosen_options.check()
    return _Converter(chosen_options, stream.reading, [stream], converted).run(out)


class _Converter:
    """One conversion under way."""

    def __init__(
        self,
        options: Options,
        reading: Reading,
        streams: list[Stream],
        converted: Callable[[int], None] = lambda _accesses: None,
    ) -> None:
        self._options, self._reading, self._streams = options, reading, streams
        self._form = chosen(options.format, options.columns, streams)
        physical = self._form.is_physical(streams[0].head)
        self._space = "physical" if physical else "virtual"
        self._threads = options.threads or (VCPUS if physical else MERGE)
        self._mapping_name = options.mapping or (IDENTITY if physical else FIRST_TOUCH)
        self._lines = LineCounts()
        pages = self._lines.pages if options.page_bytes == PAGE_BYTES else None
        self._mapping = mapping_of(self._mapping_name, options.page_bytes, options.memory_bytes, options.seed, pages)
        only = options.only()
        self._keeps_idle_time = self._form.tells_idle_time and (self._threads == VCPUS or only is not None)
        self._splitter = Splitter(reading, options.skip, options.limit, only, self._threads == VCPUS)
        self._records = 0
        self._tell_converted = converted

    def run(self, out: Path | None) -> Conversion:
        pieces = self._counted(merged(self._columns()))
        template = TraceMetadata(memory_bytes=MAXIMUM_MEMORY_BYTES, vcpus=MAXIMUM_VCPUS, source=self._source())
        if out is None:
            counted = _summed(template, pieces)
            return self._result(self._completed(counted if self._keeps_idle_time else replace(counted, idle_ns=None)))
        written = write_trace(out, pieces, template, self._completed, idle_time=self._keeps_idle_time)
        return self._result(written)

    def _columns(self) -> Iterator[Columns]:
        operations = _paced(self._form, self._options)(self._form.read(self._streams, self._reading))
        for accesses in self._splitter.split(operations):
            self._lines.add(accesses.block, accesses.write)
            yield self._placed(accesses)
            self._tell_converted(self._accesses())
        if self._splitter.max_address < 0:
            self._complain_of_nothing()

    def _placed(self, accesses: BlockAccesses) -> Columns:
        vcpu = accesses.thread if self._threads == VCPUS else np.zeros_like(accesses.thread)
        if len(self._splitter.threads) > MAXIMUM_VCPUS and self._threads == VCPUS:
            remedy = "put them on one vCPU, merge for {threads}, or choose one, only=ID"
            problem = f"has more than {MAXIMUM_VCPUS} threads"
            raise ParameterError("threads", problem, about=self._streams[0].name, remedy=remedy)
        block = self._mapping.place(accesses.block)
        once: Any = np.ones(len(block), np.int64)
        instructions: Any = accesses.instructions
        idle_ns: Any = self._kept_idle_time(accesses)
        return Columns(vcpu.astype(np.uint8), block, accesses.write, once, instructions, idle_ns)

    def _kept_idle_time(self, accesses: BlockAccesses) -> NDArray[np.int64]:
        """Return the idle time before each access; threads that share a vCPU do not leave it idle."""
        if self._keeps_idle_time:
            return accesses.idle_ns
        self._reading.leave_out("idle time of threads that share a vCPU, ns", int(accesses.idle_ns.sum()))
        return np.zeros_like(accesses.idle_ns)

    def _accesses(self) -> int:
        return self._splitter.count(BLOCK_LOADS) + self._splitter.count(BLOCK_STORES)

    def _complain_of_nothing(self) -> None:
        fetched = self._splitter.count(INSTRUCTIONS)
        what = f"only {fetched:,} instructions" if fetched else "no records"
        left_out = "".join(f", {number:,} {kind}" for kind, number in self._reading.left_out.items())
        name = ", ".join(stream.name for stream in self._streams[:3])
        problem = f"has no accesses to memory that could be converted ({what}{left_out})"
        remedy = "record loads and stores of data, and check {skip}, {threads} and {format}"
        raise ParameterError("skip", problem, about=name, remedy=remedy)

    def _counted(self, pieces: Iterable[Columns]) -> Iterator[Columns]:
        for piece in pieces:
            self._records += len(piece.block)
            yield piece

    def _completed(self, counted: TraceMetadata) -> TraceMetadata:
        whole = not self._options.skip and self._options.limit is None
        return replace(
            counted,
            memory_bytes=self._mapping.memory_bytes(),
            vcpus=len(self._splitter.threads) if self._threads == VCPUS else 1,
            address_space=self._space,
            mapping=self._mapping_name,
            page_bytes=self._options.page_bytes,
            converter=f"vmfailover trace convert --format {self._form.name}",
            duration_ns=self._splitter.duration_ns if whole else None,
        )

    def _source(self) -> str:
        names = [stream.title for stream in self._streams]
        return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

    def _result(self, metadata: TraceMetadata) -> Conversion:
        count, tells = self._splitter.count, self._form.tells_instructions
        straddle_line, straddle_page = self._splitter.straddles
        return Conversion(
            format=self._form.name,
            accesses=self._accesses(),
            loads=count(LOADS),
            stores=count(STORES),
            instructions=count(INSTRUCTIONS) if tells else None,
            block_loads=count(BLOCK_LOADS),
            block_stores=count(BLOCK_STORES),
            **self._lines.to_dict(),
            straddle_line=straddle_line,
            straddle_page=straddle_page,
            max_address=self._splitter.max_address,
            threads=self._splitter.count_by_thread(),
            left_out=dict(self._reading.left_out),
            records_written=self._records,
            metadata=metadata,
        )


def _paced(form: Format, options: Options) -> Pace:
    """Return what gives operations their instructions: the recording itself, if nobody says otherwise."""
    if options.clock_hz is not None and options.cpi is not None:
        return by_time(options.clock_hz / options.cpi / 1e9, form.name)
    if options.instructions_per_access is not None:
        return by_access(options.instructions_per_access)
    return _as_recorded if form.tells_instructions else by_access(INSTRUCTIONS_PER_ACCESS)


def _as_recorded(operations: Iterator[Operations]) -> Iterator[Operations]:
    return operations


def _summed(metadata: TraceMetadata, pieces: Iterable[Columns]) -> TraceMetadata:
    accesses = instructions = idle_ns = 0
    for piece in pieces:
        accesses += int(piece.count.sum())
        instructions += int(piece.instructions.sum())
        idle_ns += 0 if piece.idle_ns is None else int(piece.idle_ns.sum())
    return replace(metadata, accesses=accesses, instructions=instructions, idle_ns=idle_ns)


def _opened(paths: Sequence[Path], reading: Reading, progress: Callable[[int, int], None]) -> list[Stream]:
    of = sum(path.stat().st_size for path in paths if path != STDIN)
    done = 0

    def advance(read: int) -> None:
        nonlocal done
        done += read
        progress(done, of)

    return [opened(path, reading, advance) for path in paths]


def _check_out(paths: Sequence[Path], out: str | PathLike[str] | None) -> None:
    """Raise ConversionError if the output would take the place of an input."""
    if out is not None and Path(out).exists():
        same = [path for path in paths if path != STDIN and path.exists() and path.samefile(out)]
        if same:
            raise ConversionError(f"{out}: is an input, too; give the output another name")


def _require(field: str, holds: bool, right: str) -> None:
    """Raise ParameterError, saying what is right, unless it holds; other parameters are in braces there."""
    if not holds:
        raise ParameterError(field, "cannot be", remedy=f"it {right}")
