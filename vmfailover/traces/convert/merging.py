"""Equal accesses in a row become one record with a count."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from vmfailover.engine.compilation import compiled_in_place
from vmfailover.traces.columns import Columns

__all__ = ["merged"]

#: The largest count, and number of instructions, of a record.
LARGEST = (1 << 32) - 1


def merged(pieces: Iterable[Columns]) -> Iterator[Columns]:
    """Yield the records of `pieces` with equal accesses in a row, also from one piece to the next, as one.

    Idle time begins a record. Takes over the arrays of the pieces, which tell of idle time and need 64 bits for counts
    and instructions.
    """
    kept: Columns | None = None
    for piece in pieces:
        joined = _joined(kept, piece) if kept else piece
        n = _merge(joined)
        if n > 1:
            yield _part(joined, 0, n - 1)
        kept = _part(joined, n - 1, n)
    if kept:
        yield kept


def _joined(first: Columns, second: Columns) -> Columns:
    pairs: Any = zip(first, second, strict=True)
    return Columns(*map(np.concatenate, pairs))


def _part(rows: Columns, start: int, stop: int) -> Columns:
    columns: Any = rows
    return Columns(*(column[start:stop] for column in columns))


@compiled_in_place
def _merge(rows: Any) -> int:
    """Merge equal rows where they stand; return how many are left."""
    n = 0
    for i in range(len(rows.block)):
        if (
            n > 0
            and rows.block[i] == rows.block[n - 1]
            and rows.write[i] == rows.write[n - 1]
            and rows.vcpu[i] == rows.vcpu[n - 1]
            and rows.idle_ns[i] == 0
            and rows.count[i] + rows.count[n - 1] <= LARGEST
            and rows.instructions[i] + rows.instructions[n - 1] <= LARGEST
        ):
            rows.count[n - 1] += rows.count[i]
            rows.instructions[n - 1] += rows.instructions[i]
        else:
            rows.vcpu[n], rows.block[n], rows.write[n] = rows.vcpu[i], rows.block[i], rows.write[i]
            rows.count[n], rows.instructions[n], rows.idle_ns[n] = rows.count[i], rows.instructions[i], rows.idle_ns[i]
            n += 1
    return n
