"""What the cache hierarchy makes of a trace: one core, first operating mode, no timing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from vmfailover.hardware.cache.state import Counter
from vmfailover.scenario.document import Document
from vmfailover.scenario.explain import problems_of
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.overrides import OVERRIDE, assigned
from vmfailover.studies.trace_run import TraceRun
from vmfailover.traces.accesses import BLOCK_BYTES, AccessChunk
from vmfailover.traces.format import TraceFile, TraceMetadata

__all__ = ["TraceStatistics", "hierarchy", "trace_statistics"]

#: Sizes of the pieces of memory whose modification is counted, bytes; a trace tells nothing below a block.
GRANULARITIES = {"8 B": 8, "64 B": 64, "128 B": 128, "4 KiB": 4 << 10, "2 MiB": 2 << 20}
#: Takes each stretch of the log, int64[n] byte addresses of lines in the order in which they were logged.
Consume = Callable[[NDArray[np.int64]], None]


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
    #: Time that the vCPUs were idle, and its share of theirs, if the rest executes without stalls; None: not told.
    idle_ns: int | None
    idle_share: float | None
    #: Bytes in the distinct pieces stored to, by the size of a piece; None where the trace does not tell.
    bytes_dirtied: dict[str, int | None]
    seconds: float
    accesses_per_second: float
    records_per_second: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


def hierarchy(preset: str, overrides: Sequence[str] = (), *, called: str = OVERRIDE) -> HostSpec:
    """Return the host of a preset with keys overridden by `KEY=VALUE` texts, such as `l2.size=256KiB`.

    Messages about one of these say what it is `called`. Raise ScenarioError, with one line for each problem, if there
    is no such preset or key, or the geometry cannot be.
    """
    document = Document("hierarchy", {"preset": preset}, {}, {})
    for assignment in overrides:
        document = assigned(HostSpec, document, assignment, called)
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
    run = TraceRun(trace.metadata.memory_bytes, host, scan_instructions)
    dirtied = np.zeros(_whole_pieces(trace.metadata.memory_bytes), np.bool_)
    logged = np.zeros(run.state.memory.size, np.bool_)
    for chunk in _chunks(trace):
        addresses = run.execute(chunk)
        consume(addresses)
        logged[addresses // host.line] = True
        dirtied[chunk.block[chunk.write != 0]] = True
    seconds = min([run.seconds, *(_seconds(trace, host, scan_instructions) for _ in range(repeat - 1))])
    return _statistics(run, logged, dirtied, seconds, _idle(trace.metadata, host))


def _compile() -> None:
    """Execute one record, so that no time measured later is the compiler's."""
    one, store = np.ones(1, np.uint32), np.ones(1, np.uint8)
    TraceRun(1 << 20, hierarchy("power8"), 1).execute(AccessChunk(0, one, store, one, one))


def _seconds(trace: TraceFile, host: HostSpec, scan_instructions: int | None) -> float:
    run = TraceRun(trace.metadata.memory_bytes, host, scan_instructions)
    for chunk in _chunks(trace):
        run.execute(chunk)
    return run.seconds


def _chunks(trace: TraceFile) -> Iterator[AccessChunk]:
    """The records of all vCPUs in the order of the file."""
    return trace.chunks(0) if trace.metadata.vcpus == 1 else _interleaved(trace)


def _interleaved(trace: TraceFile) -> Iterator[AccessChunk]:
    first = 0
    for columns in trace.interleaved():
        yield AccessChunk(first, columns.block, columns.write, columns.count, columns.instructions)
        first += len(columns.block)


def _whole_pieces(memory_bytes: int) -> int:
    """Return the blocks of a memory, rounded up to the largest piece."""
    largest = max(GRANULARITIES.values())
    return -(-memory_bytes // largest) * largest // BLOCK_BYTES


def _idle(metadata: TraceMetadata, host: HostSpec) -> tuple[int, float] | tuple[None, None]:
    """Return the idle time of all vCPUs and its share of their time, of which stalls are no part."""
    if metadata.idle_ns is None:
        return None, None
    executing_ns = metadata.instructions * host.base_cpi / host.clock * 1e9
    return metadata.idle_ns, metadata.idle_ns / max(1.0, metadata.idle_ns + executing_ns)


def _bytes_dirtied(blocks: NDArray[np.bool_], piece: int) -> int | None:
    if piece < BLOCK_BYTES:
        return None
    return int(np.count_nonzero(blocks.reshape(-1, piece // BLOCK_BYTES).any(axis=1))) * piece


def _statistics(
    run: TraceRun,
    logged: NDArray[np.bool_],
    dirtied: NDArray[np.bool_],
    seconds: float,
    idle: tuple[int, float] | tuple[None, None],
) -> TraceStatistics:
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
        scans=run.scans,
        log_entries=castout + scan,
        log_distinct=int(np.count_nonzero(logged)),
        dirty_at_end=int(np.count_nonzero(run.state.l2[:, :, 1:] & 1)),
        records=run.records,
        instructions=int(run.state.instructions[0]),
        idle_ns=idle[0],
        idle_share=idle[1],
        bytes_dirtied={name: _bytes_dirtied(dirtied, piece) for name, piece in GRANULARITIES.items()},
        seconds=seconds,
        accesses_per_second=accesses / seconds,
        records_per_second=run.records / seconds,
    )
