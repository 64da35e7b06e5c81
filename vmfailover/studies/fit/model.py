"""What sets of pages that are visited at a rate each modify in windows, in the mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from vmfailover.guest.workloads.hot_sets import PAGE_BLOCKS
from vmfailover.studies.fit.curve import GRANULARITIES
from vmfailover.traces.accesses import BLOCK_BYTES

__all__ = ["BURSTS", "FittedSet", "Kind", "expected", "of_page", "visit_stores"]

#: Blocks that a visit stores to, and those of a page that it goes to: powers of two, at multiples of themselves.
BURSTS = (1, 2, 4, 8, 16, 32, 64)
Kind = Literal["random", "stream"]


@dataclass(frozen=True)
class FittedSet:
    """Pages that are visited alike."""

    kind: Kind
    #: Pages, of 4 KiB.
    pages: float
    #: Visits to one of its pages for each store of the guest.
    rate: float
    #: Blocks of 64 bytes that a visit stores to.
    burst: int
    #: Blocks of each page that visits go to.
    part: int = PAGE_BLOCKS
    #: Pages from one to the next.
    stride: int = 1

    @property
    def blocks(self) -> float:
        """Blocks that it visits for each store of the guest."""
        return self.pages * self.rate * self.burst

    def stores(self, visit: float) -> float:
        """Return the mean stores to a block, of visits that make so many stores or one a block."""
        return max(1.0, visit / self.burst)


def visit_stores(sets: Sequence[FittedSet]) -> float:
    """Return the stores of a visit, at least one a block, so that the guest makes as many stores as it does.

    Visits of all sets are of one length as far as that goes, so that windows of so many stores have as many visits.
    """
    for most in reversed(BURSTS):
        long = sum(each.blocks for each in sets if each.burst > most)
        visits = sum(each.pages * each.rate for each in sets if each.burst <= most)
        if visits and (1 - long) / visits >= most:
            return (1 - long) / visits
    return 1.0


def expected(sets: Sequence[FittedSet], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean distinct units that sets of a guest modify in windows of its stores, float64[windows, sizes]."""
    visit, units = visit_stores(sets), np.zeros((len(lengths), len(GRANULARITIES)))
    for each in sets:
        units += each.pages * of_page(each, lengths, each.stores(visit))
    return units


def of_page(each: FittedSet, lengths: NDArray[Any], stores: float) -> NDArray[np.float64]:
    """Return the mean distinct units of one page, float64[windows, sizes].

    A visit makes so many `stores` to each of its blocks, and counts for a window if any of them is in it.
    """
    columns = []
    for size in GRANULARITIES:
        visited, units = _share(each.burst, each.part, size)
        longer = lengths + min(size // BLOCK_BYTES, each.burst) * stores - 1
        columns.append(units * _SEEN[each.kind](each.rate * longer, visited))
    return np.array(columns).T


@lru_cache
def _share(burst: int, part: int, size: int) -> tuple[float, int]:
    """Return the chance that a visit goes to a unit of its part of a page, and the units of that part."""
    unit = size // BLOCK_BYTES
    return min(1.0, max(burst, unit) / part), max(1, part // unit)


def _seen_at_random(visits: NDArray[Any], visited: float) -> NDArray[np.float64]:
    """Return the chance that a unit is stored to, of a page with so many visits in the mean, by Poisson's law."""
    return 1 - np.exp(-visits * visited)


def _seen_in_turn(visits: NDArray[Any], visited: float) -> NDArray[np.float64]:
    """Return the same of visits that come evenly: the whole number below, or one more."""
    whole = np.floor(visits)
    missed: NDArray[np.float64] = (1 - visited) ** whole * (1 - (visits - whole) * visited)
    return 1 - missed


_SEEN = {"random": _seen_at_random, "stream": _seen_in_turn}
