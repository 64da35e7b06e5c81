"""Strides of fitted sets: how many regions of several pages they modify."""

from dataclasses import replace

import numpy as np
import pytest

from vmfailover.studies.fit.curve import Curve
from vmfailover.studies.fit.layout import laid_out, modified_regions
from vmfailover.studies.fit.model import FittedSet

from .guests import guest, hot_set, observed

LENGTHS = 1000 << np.arange(9)
HOT = FittedSet("random", 64.0, 0.9 / 64 / 4, 2, stride=16)
SLOW = FittedSet("random", 2048.0, 0.05 / 2048, 2, stride=4)
TURNS = FittedSet("stream", 512.0, 0.02 / 512, 2, stride=2)


def regions_of(*sets: FittedSet) -> Curve:
    """The curve that sets have by the formula."""
    units = modified_regions(sets, LENGTHS)
    return Curve(LENGTHS, np.full(LENGTHS.size, 100), units, np.zeros_like(units))


def test_known_strides_come_back() -> None:
    known = [HOT, SLOW, TURNS]
    together = [replace(each, stride=1) for each in known]
    found = laid_out(together, regions_of(*known), 1 << 16)
    assert [each.stride for each in found] == [16, 4, 2]
    assert modified_regions(together, LENGTHS)[0, 1] < 0.7 * modified_regions(known, LENGTHS)[0, 1]


def test_a_set_is_split_where_one_stride_does_not_do() -> None:
    known = [replace(SLOW, pages=1024.0, stride=1), replace(SLOW, pages=1024.0, stride=32)]
    found = laid_out([replace(SLOW, stride=1)], regions_of(*known), 1 << 16)
    assert [(each.pages, each.stride) for each in found] == [(1024, 1), (1024, 32)]


def test_sets_take_no_more_memory_than_there_is() -> None:
    found = laid_out([replace(HOT, stride=1)], regions_of(HOT), 520)
    assert [each.stride for each in found] == [8]


def test_the_formula_is_what_a_drawn_stream_measures() -> None:
    sets = [
        replace(HOT, burst=1, rate=0.5 / 64),
        replace(SLOW, burst=1, rate=0.3 / 2048),
        replace(TURNS, burst=1, rate=0.2 / 512),
    ]
    spec = guest(
        *(
            hot_set(
                each.pages * each.rate * 1e8, f"{4 * each.pages:.0f} KiB", each.kind, stride=f"{4 * each.stride} KiB"
            )
            for each in sets
        )
    )
    seen = observed(spec, 200_000).regions
    assert seen.units == pytest.approx(modified_regions(sets, seen.lengths), rel=0.03)
