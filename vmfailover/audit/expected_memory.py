"""What the guest's program has written where: the auditor's own memory."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from vmfailover.engine.compilation import compiled_in_place
from vmfailover.traces.accesses import BLOCK_BYTES

#: Versions count modulo this, as the lines of the simulated memory do.
MODULUS = 1 << 30
#: Line numbers that a message names at most.
EXAMPLES = 8
#: Lines in a group; a group that nobody has written is compared at once.
GROUP_SHIFT = 10
# Columns of the ledger: how often a line has been written, and one more than the last epoch that wrote each of its
# blocks.
VERSION, FIRST_BLOCK = range(2)


@compiled_in_place
def _store(
    block: npt.NDArray[np.uint32],
    write: npt.NDArray[np.uint8],
    count: npt.NDArray[np.uint32],
    rows: npt.NDArray[np.uint32],
    touched: npt.NDArray[np.uint8],
    logged: npt.NDArray[np.uint32],
    unit_shift: np.uint64,
    mark: np.uint32,
    unlogged: npt.NDArray[np.int64],
) -> tuple[int, int]:
    """Execute the stores among some records.

    Returns how many blocks the epoch of `mark` writes for the first time, and how many of these lie in units, of
    2 ** `unit_shift` lines, that it has not logged; the lines of the first few go to `unlogged`.
    """
    blocks_per_line = rows.shape[1] - FIRST_BLOCK
    shift = np.uint64(0)
    while blocks_per_line >> shift > 1:
        shift += np.uint64(1)
    mask = np.uint64(blocks_per_line - 1)
    first = np.uint64(FIRST_BLOCK)
    fresh = 0
    missing = 0
    for record in range(np.uint64(block.size)):
        if write[record]:
            place = np.uint64(block[record])
            line = place >> shift
            rows[line, VERSION] += count[record]
            column = first + (place & mask)
            if rows[line, column] != mark:
                rows[line, column] = mark
                touched[line >> np.uint64(GROUP_SHIFT)] = 1
                fresh += 1
                if logged[line >> unit_shift] != mark:
                    if missing < unlogged.size:
                        unlogged[missing] = line
                    missing += 1
    return fresh, missing


@compiled_in_place
def _compare(
    image: npt.NDArray[np.uint32],
    rows: npt.NDArray[np.uint32],
    touched: npt.NDArray[np.uint8],
    found: npt.NDArray[np.int64],
) -> int:
    """Return how many lines of an image differ from the ledger; the first few go to `found`."""
    differing = 0
    for group in range(np.uint64(touched.size)):
        first = group << np.uint64(GROUP_SHIFT)
        end = min(first + np.uint64(1 << GROUP_SHIFT), np.uint64(image.size))
        any_written = np.uint32(0)
        for line in range(first, end):
            any_written |= image[line]
        if any_written == 0 and touched[group] == 0:
            continue
        for line in range(first, end):
            if image[line] != rows[line, VERSION] & np.uint32(MODULUS - 1):
                if differing < found.size:
                    found[differing] = line
                differing += 1
    return differing


class Records(Protocol):
    """Accesses that follow each other, in arrays of one length."""

    @property
    def block(self) -> npt.NDArray[np.uint32]:
        """Numbers of blocks."""

    @property
    def write(self) -> npt.NDArray[np.uint8]:
        """1 for a store, 0 for a load."""

    @property
    def count(self) -> npt.NDArray[np.uint32]:
        """How many equal accesses in a row each is."""


class ExpectedMemory:
    """Counts the writes to every line, and remembers which epoch wrote and which logged it last."""

    def __init__(self, memory_bytes: int, line_bytes: int, unit_lines: int = 1, block_bytes: int = BLOCK_BYTES) -> None:
        """Begin with a memory that nobody has written; units of `unit_lines` lines, a power of two, are logged.

        Stores are to blocks of `block_bytes`.
        """
        lines = memory_bytes // line_bytes
        self._unit_bytes = unit_lines * line_bytes
        self._unit_shift = unit_lines.bit_length() - 1
        #: uint32[units]: one more than the last epoch that logged each.
        self._logged = np.zeros(-(-lines // unit_lines), np.uint32)
        self._rows = np.zeros((lines, FIRST_BLOCK + line_bytes // block_bytes), np.uint32)
        self._touched = np.zeros(-(-lines >> GROUP_SHIFT), np.uint8)

    def log(self, addresses: npt.NDArray[np.int64], epoch: int) -> None:
        """Remember that an epoch has logged the units in which these addresses are, int64[n]."""
        self._logged[addresses // self._unit_bytes] = epoch + 1

    def store(self, chunk: Records, epoch: int) -> tuple[int, list[int], int]:
        """Execute the stores among some records of an epoch.

        Returns the 64-byte blocks that it writes for the first time, examples of lines that hold such a block and have
        not been logged, and the number of such blocks.
        """
        unlogged = np.empty(EXAMPLES, np.int64)
        rows, shift, mark = (self._rows, self._touched, self._logged), np.uint64(self._unit_shift), np.uint32(epoch + 1)
        fresh, missing = _store(chunk.block, chunk.write, chunk.count, *rows, shift, mark, unlogged)
        return int(fresh), unlogged[:missing].tolist(), int(missing)

    def write(self, lines: npt.NDArray[np.int64], epoch: int) -> list[int]:
        """Write whole lines, int64[n], one after the other; return those that the epoch has not logged."""
        np.add.at(self._rows[:, VERSION], lines, 1)
        self._touched[lines >> GROUP_SHIFT] = 1
        distinct = np.unique(lines)
        unlogged: list[int] = distinct[self._logged[distinct >> self._unit_shift] != epoch + 1].tolist()
        return unlogged

    def compare(self, image: npt.NDArray[np.uint32]) -> tuple[int, list[int]]:
        """Return how many lines of an image, uint32[lines], are not as written, and examples of them."""
        found = np.empty(EXAMPLES, np.int64)
        differing = int(_compare(image, self._rows, self._touched, found))
        return differing, found[:differing].tolist()

    def compare_lines(self, image: npt.NDArray[np.uint32], lines: npt.NDArray[np.int64]) -> tuple[int, list[int]]:
        """Return how many of some lines, int64[n], of an image are not as written, and examples of them."""
        differing = np.unique(lines[image[lines] != self._rows[lines, VERSION] & np.uint32(MODULUS - 1)])
        return int(differing.size), differing[:EXAMPLES].tolist()
