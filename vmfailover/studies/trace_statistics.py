"""What the cache hierarchy makes of a trace: one core, first operating mode, no timing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import ValidationError

from vmfailover.compilation import compiled
from vmfailover.guest.accesses import BLOCK_BYTES, AccessChunk
from vmfailover.hardware.address_log import ENTRY_BYTES, AddressLog
from vmfailover.hardware.cache import kernel
from vmfailover.hardware.cache.state import Accesses, CacheState, Cost, Counter, LogState, Why, new_cache
from vmfailover.scenario.document import Document
from vmfailover.scenario.explain import problems_of
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.overrides import assigned
from vmfailover.traces.columns import Columns, check_columns, decode
from vmfailover.traces.format import TraceFile

__all__ = ["TraceStatistics", "hierarchy", "trace_statistics"]

#: Sizes of the pieces of memory whose modification is counted, bytes; a trace tells nothing below a block.
GRANULARITIES = {"8 B": 8, "64 B": 64, "128 B": 128, "4 KiB": 4 << 10, "2 MiB": 2 << 20}
#: Takes each stretch of the log, int64[n] byte addresses of lines in the order in which they were logged.
Consume = Callable[[NDArray[np.int64]], None]
#: More instructions, and more records, than any trace has.
_NEVER = 1 << 62
#: A plain integer, as compiled functions need it.
_DEADLINE = int(Why.DEADLINE)


@dataclass(frozen=True, slots=True)
class TraceStatistics:
    """Counts of accesses and of what they caused; `seconds` is the time of the kernel alone, the best of all runs."""

    accesses: int
    loads: int
    stores: int
    l1_load_hits: int
    l2_hits: int
    l2_misses: int
    l3_hits: int
    writebacks: int
    log_castout: int
    log_scan: int
    scans: int
    log_entries: int
    log_distinct: int
    dirty_at_end: int
    records: int
    instructions: int
    #: Bytes in the distinct pieces stored to, by the size of a piece; None where the trace does not tell.
    bytes_dirtied: dict[str, int | None]
    seconds: float
    accesses_per_second: float
    records_per_second: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


def hierarchy(preset: str, overrides: Sequence[str] = ()) -> HostSpec:
    """Return the host of a preset with keys overridden by `KEY=VALUE` texts, such as `l2.size=256KiB`.

    Raise ScenarioError, with one line for each problem, if there is no such preset or key, or the geometry cannot be.
    """
    document = Document("hierarchy", {"preset": preset}, {}, {})
    for assignment in overrides:
        document = assigned(HostSpec, document, assignment)
    try:
        return HostSpec.model_validate(document.data)
    except ValidationError as error:
        raise document.error(*problems_of(HostSpec, error)) from None


def trace_statistics(
    trace: TraceFile,
    host: HostSpec,
    scan_instructions: int | None = None,
    *,
    repeat: int = 1,
    consume: Consume = lambda _: None,
) -> TraceStatistics:
    """Run all records of a trace, in order, through one core's empty caches, in the first operating mode.

    After the record with which the instructions since the last check of the flags, or since the start, reach
    `scan_instructions` the flags are checked; None means never. `consume` takes the log. All is done `repeat` times,
    to time it. Reads the trace as a stream; raises TraceError where it is damaged.
    """
    _compile()
    dirtied = np.zeros(_whole_pieces(trace.metadata.memory_bytes), np.bool_)
    run = _Run(trace.metadata.memory_bytes, host, scan_instructions)
    for chunk in _chunks(trace):
        consume(run.execute(chunk))
        dirtied[chunk.block[chunk.write != 0]] = True
    seconds = min([run.seconds, *(_seconds(trace, host, scan_instructions) for _ in range(repeat - 1))])
    return _statistics(run, dirtied, seconds)


class _Run:
    """One pass over a trace."""

    def __init__(self, memory_bytes: int, host: HostSpec, scan_instructions: int | None) -> None:
        self.state = _first_mode_core(memory_bytes, host)
        self.seconds = 0.0
        self.records = 0
        self.logged = np.zeros(self.state.memory.size, np.bool_)
        self._line = host.line
        self._interval = scan_instructions or _NEVER
        #: The instruction count at which the next check is due, and the checks done.
        self.progress = np.array([self._interval, 0], np.int64)
        entries = TraceFile.CHUNK_RECORDS + host.l2.size // host.line
        self._log = AddressLog(
            kernel, initial=0, size=entries * ENTRY_BYTES + 2 * host.line, line_bytes=host.line, guard_band=0
        )

    def execute(self, chunk: AccessChunk) -> NDArray[np.int64]:
        """Execute a chunk and return what it logged.

        An address is logged only for a flag that a store has set: no more than a chunk's records and the rows that
        were flagged before, which the log has room for.
        """
        accesses, start = _alone(chunk), np.zeros(1, np.int64)
        self._log.set_limit()
        began = time.perf_counter()
        _execute(self.state, accesses, start, self._interval, self.progress, self._log.state)
        self.seconds += time.perf_counter() - began
        addresses = self._log.read()
        self._log.release(self._log.next)
        self.records += chunk.records
        self.logged[addresses // self._line] = True
        return addresses

    def count(self, counter: Counter) -> int:
        """Return how often something has happened."""
        return int(self.state.counters[counter])


@compiled
def _execute(
    state: CacheState,
    accesses: Accesses,
    start: NDArray[np.int64],
    interval: int,
    progress: NDArray[np.int64],
    log: LogState,
) -> None:
    """Execute all accesses and the checks that fall due; the core's clock counts instructions.

    `progress` is the clock at which the next check is due and the number of checks done, int64[2].
    """
    while kernel.advance(state, accesses, start, progress[0], _NEVER, log).why == _DEADLINE:
        kernel.scan(state, 0, log, 0)
        progress[0] = state.clock[0] + interval
        progress[1] += 1


def _first_mode_core(memory_bytes: int, host: HostSpec) -> CacheState:
    state = new_cache(
        cores=1,
        l1=(host.l1.sets(host.line), host.l1.ways),
        l2=(host.l2.sets(host.line), host.l2.ways),
        l3=(host.l3.sets(host.line), host.l3.ways) if host.l3 else (0, 0),
        memory=np.zeros(-(-memory_bytes // host.line), np.uint32),
        line_shift=(host.line // BLOCK_BYTES).bit_length() - 1,
    )
    state.mode[0] = 1
    state.costs[0, Cost.INSTRUCTION] = 1
    return state


def _alone(chunk: AccessChunk) -> Accesses:
    return Accesses(
        block=chunk.block.reshape(1, -1),
        write=chunk.write.reshape(1, -1),
        count=chunk.count.reshape(1, -1),
        instructions=chunk.instructions.reshape(1, -1),
        length=np.array([chunk.records], np.int64),
    )


def _compile() -> None:
    """Execute one record, so that no time measured later is the compiler's."""
    one, store = np.ones(1, np.uint32), np.ones(1, np.uint8)
    _Run(1 << 20, hierarchy("power8"), 1).execute(AccessChunk(0, one, store, one, one))


def _seconds(trace: TraceFile, host: HostSpec, scan_instructions: int | None) -> float:
    run = _Run(trace.metadata.memory_bytes, host, scan_instructions)
    for chunk in _chunks(trace):
        run.execute(chunk)
    return run.seconds


def _chunks(trace: TraceFile) -> Iterator[AccessChunk]:
    """The records of all vCPUs in the order of the file."""
    return trace.chunks(0) if trace.metadata.vcpus == 1 else _interleaved(trace)


def _interleaved(trace: TraceFile) -> Iterator[AccessChunk]:
    first = 0
    with pq.ParquetFile(trace.path) as file:
        for batch in file.iter_batches(TraceFile.CHUNK_RECORDS, columns=list(Columns._fields)):
            columns = decode(trace.path, batch)
            check_columns(trace.path, columns, trace.metadata)
            yield AccessChunk(first, columns.block, columns.write, columns.count, columns.instructions)
            first += len(columns.block)


def _whole_pieces(memory_bytes: int) -> int:
    """Return the blocks of a memory, rounded up to the largest piece."""
    largest = max(GRANULARITIES.values())
    return -(-memory_bytes // largest) * largest // BLOCK_BYTES


def _bytes_dirtied(blocks: NDArray[np.bool_], piece: int) -> int | None:
    if piece < BLOCK_BYTES:
        return None
    return int(np.count_nonzero(blocks.reshape(-1, piece // BLOCK_BYTES).any(axis=1))) * piece


def _statistics(run: _Run, dirtied: NDArray[np.bool_], seconds: float) -> TraceStatistics:
    accesses, stores = run.count(Counter.ACCESSES), run.count(Counter.STORES)
    loads, load_misses, misses = accesses - stores, run.count(Counter.L1_LOAD_MISSES), run.count(Counter.L2_MISSES)
    castout, scan = run.count(Counter.LOG_CASTOUT), run.count(Counter.LOG_SCAN)
    return TraceStatistics(
        accesses=accesses,
        loads=loads,
        stores=stores,
        l1_load_hits=loads - load_misses,
        l2_hits=load_misses + stores - misses,
        l2_misses=misses,
        l3_hits=run.count(Counter.L3_HITS),
        writebacks=run.count(Counter.WRITEBACKS),
        log_castout=castout,
        log_scan=scan,
        scans=int(run.progress[1]),
        log_entries=castout + scan,
        log_distinct=int(np.count_nonzero(run.logged)),
        dirty_at_end=int(np.count_nonzero(run.state.l2[:, :, 1:] & 1)),
        records=run.records,
        instructions=int(run.state.instructions[0]),
        bytes_dirtied={name: _bytes_dirtied(dirtied, piece) for name, piece in GRANULARITIES.items()},
        seconds=seconds,
        accesses_per_second=accesses / seconds,
        records_per_second=run.records / seconds,
    )
