"""Zipf's law over the blocks of a working set, as a table from which a rank is drawn in constant time."""

from __future__ import annotations

from math import fsum

import numpy as np

from vmfailover.guest.workloads.generator import AliasTable

__all__ = ["rank_ranges", "zipf_table"]

#: A range's ranks may differ in popularity by about twice this much, relative to their mean.
_ERROR = 0.01
#: The total of the integer weights, about: fine enough for every range that is ever drawn.
_WEIGHT = 1 << 40
#: A threshold that always keeps the cell.
_UNIT = 1 << 31


def zipf_table(ranks: int, skew: float) -> AliasTable:
    """A table that gives the ranks 0 to ranks - 1 a popularity in proportion to (rank + 1) ** -skew.

    Ranks are drawn by ranges, within which all are equally likely. Ranks below 100 * min(skew, 4) - 1 are each a
    range of their own and exact; elsewhere the popularity is within 2 % of the law's for skew <= 4, and beyond
    that wherever it is more than 1e-9 of the total. Built by the alias method (Walker, ACM TOMS 3(3), 1977; Vose,
    IEEE TSE 17(9), 1991) in whole numbers, so that the table is the same on every machine.
    """
    ranges = rank_ranges(ranks, skew)
    masses = [_mass(lowest, width, skew) for lowest, width in ranges]
    total = fsum(masses)
    weights = [round(mass / total * _WEIGHT) for mass in masses]
    padding = (1 << (len(ranges) - 1).bit_length()) - len(ranges)
    columns = (*_alias_table(weights + [0] * padding), *zip(*(ranges + [(0, 1)] * padding), strict=True))
    return AliasTable(*(np.array(column, np.uint32) for column in columns))


def rank_ranges(ranks: int, skew: float) -> list[tuple[int, int]]:
    """(lowest rank, number of ranks) of ranges that cover 0 to ranks - 1, each of almost equally popular ranks."""
    growth = min(0.5, 2 * _ERROR / min(skew, 4.0))
    ranges, lowest = [], 0
    while lowest < ranks:
        width = min(ranks - lowest, max(1, int((lowest + 1) * growth)))
        ranges.append((lowest, width))
        lowest += width
    return ranges


def _mass(lowest: int, width: int, skew: float) -> float:
    """The sum of (rank + 1) ** -skew over a range; for several ranks, the integral by the midpoint rule."""
    if width == 1:
        return float((lowest + 1.0) ** -skew)
    middle = lowest + 0.5 + width / 2
    return float(width * middle**-skew)


def _alias_table(weights: list[int]) -> tuple[list[int], list[int]]:
    """For each cell the threshold out of 2**31 for keeping it, and the cell to take otherwise."""
    total, cells = sum(weights), len(weights)
    parts = [weight * cells for weight in weights]
    thresholds, aliases = [_UNIT] * cells, list(range(cells))
    poor = [cell for cell in range(cells) if parts[cell] < total]
    rich = [cell for cell in range(cells) if parts[cell] > total]
    while poor:
        taker, giver = poor.pop(), rich[-1]
        thresholds[taker], aliases[taker] = parts[taker] * _UNIT // total, giver
        parts[giver] -= total - parts[taker]
        if parts[giver] <= total:
            rich.pop()
        if parts[giver] < total:
            poor.append(giver)
    return thresholds, aliases
