"""Hot sets that modify memory at the dirty rates that are known of a guest, and what these leave open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vmfailover.errors import ParameterError
from vmfailover.results.quantities import duration, size
from vmfailover.scenario.sizes import PAGE_BYTES
from vmfailover.scenario.units import DURATION, SIZE
from vmfailover.studies.fit.fit import Fit, Point
from vmfailover.studies.fit.least_squares import fewest, rates_again
from vmfailover.studies.fit.model import FittedSet
from vmfailover.studies.fit.profile import profile, workload_of
from vmfailover.studies.fit.rates import DirtyRate

__all__ = ["Below", "fit_rates"]

#: Which end of what is possible in windows that are shorter than any measured one.
Below = Literal["low", "high"]
#: The window, as a share of the shortest one measured, where a fit is at that end.
_SHORTER = 0.05
#: What an error there counts, against one in a window that was measured.
_WISH = 0.02
#: Rates of a decade that sets are chosen from.
_DECADE = 120
#: How often the fastest pages are visited in the shortest window.
_MOST_VISITS = 4.0
#: Share of the pages of the longest window that all memory in use comes to at the slowest rate.
_LEAST_SHARE = 1e-3


def fit_rates(rates: Sequence[DirtyRate], in_use: int, *, below: Below = "low", source: str = "dirty rates") -> Fit:
    """Fit hot sets, in `in_use` bytes of memory, to dirty rates of a guest over windows of one length or more.

    Beyond the windows only concavity is known: in one that is shorter than all, whatever is modified is at least in
    proportion to its length, and at most what is modified in the shortest. `below` says at which end the sets are
    there. Raises InputError for rates that no guest can have.
    """
    told = sorted(rates, key=lambda each: each.window_ns)
    _check(told, in_use)
    windows = np.array([each.window_ns / 1e9 for each in told])
    pages = np.array([each.modified / PAGE_BYTES for each in told])
    sets = _sets(*_with_end(windows, pages, below), in_use // PAGE_BYTES)
    workload = profile(
        sets,
        description=f"hot sets fitted to {', '.join(map(str, told))}",
        stores_per_second=1.0,
        fitted={
            "rates": [str(each) for each in told],
            "in_use": SIZE.format(in_use),
            "shortest_window": DURATION.format(told[0].window_ns),
            "below_it": below,
        },
    )
    workload_of(workload)
    made = _modified(sets, windows)
    points = tuple(
        Point.of(PAGE_BYTES, None, each.window_ns, known, fitted)
        for each, known, fitted in zip(told, pages, made, strict=True)
    )
    return Fit(source, workload, points, tuple(_notes(told, _range(windows, pages, 0.0)[1] * PAGE_BYTES, below)))


def _check(told: Sequence[DirtyRate], in_use: int) -> None:
    """Raise ParameterError unless memory grows with the window, ever more slowly, and fits."""
    if not told:
        raise ParameterError("dirty_rate", "none is given; write one as in '80MB/s over 10ms'")
    for short, long in pairwise(told):
        if short.window_ns == long.window_ns:
            raise ParameterError("dirty_rate", f"two rates over {DURATION.format(long.window_ns)}; give one of them")
        if long.bytes_per_second > short.bytes_per_second:
            raise ParameterError(
                "dirty_rate", f"{long} is more a second than {short}; no guest modifies so; measure again"
            )
        if long.modified < short.modified:
            raise ParameterError("dirty_rate", f"{long} modifies less than {short}; no guest does; measure again")
    if told[-1].modified > 0.99 * in_use:
        given = f"{SIZE.format(in_use)}"
        raise ParameterError(
            "in_use",
            f"{told[-1]} modifies {size(told[-1].modified)}, all of it or more",
            given=given,
            remedy="give more",
        )


def _with_end(
    windows: NDArray[np.float64], pages: NDArray[np.float64], below: Below
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return windows and pages with one in front that is shorter, at an end of what is possible there."""
    window = windows[0] * _SHORTER
    return np.append(window, windows), np.append(_range(windows, pages, window)[below == "high"], pages)


def _range(windows: NDArray[np.float64], pages: NDArray[np.float64], window: float) -> tuple[float, float]:
    """Return the fewest and the most pages that a guest can modify in a window shorter than all: U is concave."""
    later = (pages[1] - pages[0]) / (windows[1] - windows[0]) if len(windows) > 1 else 0.0
    return pages[0] * window / windows[0], pages[0] - later * (windows[0] - window)


def _sets(windows: NDArray[np.float64], pages: NDArray[np.float64], in_use: int) -> list[FittedSet]:
    """Return sets of so many pages in all, by visits a second, with so many modified in each window, if they can."""
    slowest, fastest = _LEAST_SHARE * pages[-1] / (in_use * windows[-1]), _MOST_VISITS / windows[0]
    rates = np.geomspace(slowest, fastest, round(_DECADE * np.log10(fastest / slowest)))
    grid = [FittedSet("random", 1.0, float(rate), 1) for rate in rates]
    matrix = np.array([np.append(_modified([each], windows) / pages, 1 / in_use) for each in grid]).T
    chosen, numbers = fewest(matrix, np.zeros(len(grid)))
    sets = [replace(grid[at], pages=float(max(1, round(n)))) for at, n in zip(chosen, numbers, strict=True)]
    largest = max(sets, key=lambda each: each.pages)
    left = in_use - sum(each.pages for each in sets if each is not largest)
    whole = [replace(each, pages=left) if each is largest else each for each in sets]
    counts = np.append(_WISH, np.ones(len(windows) - 1))
    return rates_again(whole, lambda tried: counts * (_modified(tried, windows) / pages - 1), budget=np.inf)


def _modified(sets: Sequence[FittedSet], windows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the pages that are modified in windows of so many seconds, in the mean, float64[windows]."""
    return sum((each.pages * -np.expm1(-each.rate * windows) for each in sets), np.zeros(len(windows)))


def _notes(told: Sequence[DirtyRate], most: float, below: Below) -> Iterator[str]:
    """Yield what has been assumed, and what is not known; `most` is modified at once, in bytes, if it is so much."""
    for each in told:
        if not each.window_given:
            yield f"{each}: no time is given; 1 s is taken"
    shortest, per_ms = told[0].window_ns, size(told[0].bytes_per_second / 1e3)
    yield (
        f"below {duration(shortest)} only this is known: at least {per_ms} are modified for each millisecond, at most "
        f"{size(most)} at once and {size(told[0].modified)} in {duration(shortest)}; these sets are at the "
        f"{_ENDS[below]} end (below); measure a shorter time to know"
    )
    yield "a rate tells pages, not lines: a visit stores to one line of 64 B, and loads nothing"


_ENDS = {"low": "lower", "high": "upper"}
