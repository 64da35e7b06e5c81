"""Visits to units of memory, as a sampled processor executes them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

#: Bits of a visit's position that number it within its tick; the others are the tick.
WITHIN_TICK_BITS = 24


class VisitsAtHand(NamedTuple):
    """The visits at hand, one row a core; core c has `length[c]` of them from column 0 on."""

    #: uint32[cores, n]: the line of memory, which is a unit of the protocol, that is stored to.
    unit: npt.NDArray[np.uint32]
    #: uint16[cores, n]: the set of pages that it belongs to.
    set: npt.NDArray[np.uint16]
    #: int64[cores, n]: the tick, times 2 ** `WITHIN_TICK_BITS`, plus the number within it.
    position: npt.NDArray[np.int64]
    #: uint32[cores, n]: how many visits of its tick it stands for.
    visits: npt.NDArray[np.uint32]
    #: int64[cores].
    length: npt.NDArray[np.int64]
    #: int64[cores]: the position from which on nothing is at hand.
    end: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SetDemand:
    """What the visits to one set of pages ask of a processor. Rates are of guest time, all vCPUs together."""

    #: The first page, and the pages.
    first: int
    pages: int
    #: Bytes of a page that are visited.
    within: int
    #: Bytes from one page to the next.
    stride: int
    #: Visits in a second.
    rate: float
    #: Whether pages are visited in turn.
    stream: bool
    #: vCPUs that visit it.
    vcpus: int
    #: Blocks of 64 bytes that a visit stores to, one after the other.
    burst: int
    #: Lines of the caches, in the mean, that these blocks are in.
    burst_lines: float
    stores: float
    #: Loads of a visit.
    loads: float
    instructions: float
    #: Units of memory that a visit stores to, each of which is a visit to the processor.
    parts: float


@dataclass(frozen=True, slots=True)
class Demand:
    """What a sampled guest asks of a processor."""

    tick_ns: int
    sets: tuple[SetDemand, ...]
