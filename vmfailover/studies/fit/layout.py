"""How far apart the pages of fitted sets lie, so that units larger than a page are modified as they are recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from vmfailover.scenario.sizes import PAGE_BYTES
from vmfailover.studies.fit.curve import GRANULARITIES, REGIONS, Curve
from vmfailover.studies.fit.model import FittedSet, of_page, visit_stores

__all__ = ["laid_out", "modified_regions"]

#: Pages from one page of a set to the next, as tried.
_STRIDES = tuple(1 << power for power in range(10))
#: A stride is taken for another only if it lowers the sum of the squares of the errors to this share.
_BETTER = 0.99
#: How often all sets are gone through.
_ROUNDS = 4
#: A set is split only if that lowers it to this share.
_SPLIT = 0.9
_PAGES = GRANULARITIES.index(PAGE_BYTES)


def laid_out(sets: Sequence[FittedSet], regions: Curve, memory_pages: int) -> list[FittedSet]:
    """Return the sets, laid one after the other, with strides that make the errors of a curve of regions least.

    A set is split in two of different strides where that does much better. Together they take no more than so many
    pages of memory.
    """
    found, least = list(sets), _error(sets, regions)
    for worth, changes in ((_BETTER, _with_strides), (_SPLIT, _split), (_BETTER, _with_strides)):
        for _ in range(_ROUNDS):
            before = least
            for number in reversed(range(len(found))):
                tried = [[*found[:number], *each, *found[number + 1 :]] for each in changes(found[number])]
                errors = [_error(each, regions) if _begins(each)[-1] <= memory_pages else np.inf for each in tried]
                if errors and min(errors) < worth * least:
                    least = min(errors)
                    found = tried[errors.index(least)]
            if least == before:
                break
    return found


def _with_strides(each: FittedSet) -> Iterator[tuple[FittedSet, ...]]:
    """Yield a set with each stride."""
    for stride in _STRIDES:
        yield (replace(each, stride=stride),)


def _split(each: FittedSet) -> Iterator[tuple[FittedSet, ...]]:
    """Yield the two halves of a set with each pair of strides."""
    first = round(each.pages) // 2
    if first:
        for stride, other in combinations(_STRIDES, 2):
            second = replace(each, pages=round(each.pages) - first, stride=other)
            yield replace(each, pages=float(first), stride=stride), second


def _begins(sets: Sequence[FittedSet]) -> NDArray[np.int64]:
    """Return the first page of each set, and the page after the last, int64[sets + 1]."""
    spans = [(round(each.pages) - 1) * each.stride + 1 for each in sets]
    return np.cumsum([0, *spans])


def _error(sets: Sequence[FittedSet], regions: Curve) -> float:
    return float(((modified_regions(sets, regions.lengths) / regions.units - 1) ** 2).sum())


def modified_regions(sets: Sequence[FittedSet], lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean distinct regions that sets modify in windows of stores, float64[windows, sizes]."""
    visit, begins = visit_stores(sets), _begins(sets)
    missed = [np.ones((begins[-1] * PAGE_BYTES // size + 1, len(lengths))) for size in REGIONS]
    for each, first in zip(sets, begins, strict=False):
        pages = first + np.arange(round(each.pages)) * each.stride
        chance = of_page(each, lengths, each.stores(visit))[:, _PAGES]
        for left, size in zip(missed, REGIONS, strict=True):
            region, number = np.unique(pages * PAGE_BYTES // size, return_counts=True)
            left[region] *= _missed(each, number[:, np.newaxis], chance)
    return np.array([(1 - left).sum(axis=0) for left in missed]).T


def _missed(each: FittedSet, number: NDArray[np.int64], chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chance that none of so many pages of a set is modified, each having one: neighbours in a stream."""
    if each.kind == "random":
        return np.asarray((1 - chance) ** number)
    reached = chance * each.pages
    return np.asarray(np.maximum(0.0, 1 - np.minimum(reached * number, reached + number - 1) / each.pages))
