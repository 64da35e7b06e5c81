"""gem5's packet traces: magic, then Protocol Buffers messages, each with its length before it.

The first message is a header whose field 3 has the ticks of a second. The others are packets: 1 tick, 2 command, 3
address, 4 size, 5 flags. ReadReq (1) and WriteReq (4) are accesses, physical ones; a ReadReq flagged INST_FETCH fetches
instructions, and counts as one, though a fetch may bring several. See src/proto/packet.proto of gem5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vmfailover.engine.compilation import compiled, compiled_everywhere
from vmfailover.traces.convert.operations import (
    LOAD,
    STORE,
    Operations,
    cut,
    put_access,
    put_instructions,
    room_for,
)
from vmfailover.traces.convert.reading import MOST_BYTES, ConversionError, Reading
from vmfailover.traces.convert.streams import Stream

__all__ = ["GEM5"]

_MAGIC = b"gem5"
READ, WRITE, FETCH_FLAG = 1, 4, 0x100
#: A message is at least 2 bytes long, and no longer than this many.
LONGEST = 1 << 16
TICK, COMMAND, ADDRESS, SIZE, FLAGS = 1, 2, 3, 4, 5
WHOLE, CUT, BROKEN = 0, 1, 2
#: Numbers of commands that are counted apart.
COMMANDS = 256


class _Gem5:
    name = "gem5"
    tells_instructions = True
    tells_idle_time = False

    def recognises(self, head: bytes) -> bool:
        """Whether the magic is there."""
        return head.startswith(_MAGIC)

    def is_physical(self, head: bytes) -> bool:
        """Its addresses are physical by nature."""
        del head
        return True

    def read(self, streams: Sequence[Stream], reading: Reading) -> Iterator[Operations]:
        """Yield the operations of all streams, one stream after the other."""
        for stream in streams:
            yield from _read(stream, reading)


def _read(stream: Stream, reading: Reading) -> Iterator[Operations]:
    tick_ns, offset = _header(stream)
    rest, others = b"", np.zeros(COMMANDS, np.int64)
    for number, read in enumerate(stream.blocks()):
        block = rest + (read if number else read[offset:])
        rows = room_for(len(block) // 2 + 1)
        n, at, state = _packets(np.frombuffer(block, np.uint8), tick_ns, rows, others)
        yield cut(rows, n)
        offset, rest = offset + at, block[at:]
        if state == BROKEN:
            reading.reject(
                f"{stream.name}: byte {offset}", "is no packet of gem5", "packets from the first broken one on"
            )
            rest = b""
            break
    _count(reading, others)
    if rest:
        stream.reject_rest(offset, rest, "message")


def _count(reading: Reading, others: NDArray[np.int64]) -> None:
    for command in np.flatnonzero(others).tolist():
        reading.leave_out(f"packets of command {command}", int(others[command]))


def _header(stream: Stream) -> tuple[float, int]:
    """Return the nanoseconds of a tick, and where the first packet begins."""
    head = np.frombuffer(stream.head, np.uint8)
    good, length, at = _varint(head, len(_MAGIC), len(head))
    if not good or int(length) > LONGEST or at + int(length) > len(head):
        raise ConversionError(f"{stream.name}: byte 4: has no header of a gem5 packet trace; record or copy it again")
    frequency, end = 0, at + int(length)
    values = np.zeros(8, np.uint64)
    if _message(head, at, end, values):
        frequency = int(values[3])
    if not frequency:
        raise ConversionError(f"{stream.name}: byte {at}: the header tells no ticks a second; record it again")
    return 1e9 / frequency, end


@compiled
def _packets(data: Any, tick_ns: Any, rows: Any, others: Any) -> tuple[Any, Any, Any]:
    """Read whole packets; return the number of operations, the offset behind the last, and what follows there."""
    values = np.zeros(8, np.uint64)
    n, at = 0, 0
    while at < len(data):
        good, length, begin = _varint(data, at, len(data))
        if not good:
            return n, at, CUT if len(data) - at < 10 else BROKEN
        if length > LONGEST:
            return n, at, BROKEN
        end = begin + np.int64(length)
        if end > len(data):
            return n, at, CUT
        if not _message(data, begin, end, values) or values[SIZE] > MOST_BYTES:
            return n, at, BROKEN
        command, size = np.int64(values[COMMAND] & np.uint64(COMMANDS - 1)), np.int64(values[SIZE])
        if command == READ and values[FLAGS] & np.uint64(FETCH_FLAG):
            n = put_instructions(rows, n, 0, 1)
        elif command in (READ, WRITE):
            kind = STORE if command == WRITE else LOAD
            n = put_access(rows, n, 0, values[ADDRESS], size, kind, np.float64(values[TICK]) * tick_ns)
        else:
            others[command] += 1
        at = end
    return n, at, WHOLE


@compiled_everywhere
def _message(data: Any, at: Any, end: Any, values: Any) -> Any:
    """Read the fields of a message that are whole numbers into `values`, by number; return whether it is one."""
    values[:] = 0
    while at < end:
        good, key, at = _varint(data, at, end)
        kind, number = np.int64(key & np.uint64(7)), np.int64(key >> np.uint64(3))
        if not good or number == 0:
            return False
        if kind == 0:
            good, value, at = _varint(data, at, end)
            if good and number < len(values):
                values[number] = value
        elif kind == 1:
            at += 8
        elif kind == 2:
            good, value, at = _varint(data, at, end)
            good = good and value <= np.uint64(end)
            at += np.int64(value) if good else 0
        elif kind == 5:
            at += 4
        else:
            return False
        if not good or at > end:
            return False
    return True


@compiled_everywhere
def _varint(data: Any, at: Any, end: Any) -> tuple[Any, Any, Any]:
    """Read a number of 7 bits a byte, the lowest first; return whether it ends, its value, and where it does."""
    value = np.uint64(0)
    for i in range(10):
        if at + i >= end:
            return False, value, at
        value |= np.uint64(data[at + i] & 0x7F) << np.uint64(7 * i)
        if data[at + i] < 0x80:
            return True, value, at + i + 1
    return False, value, at


GEM5 = _Gem5()
