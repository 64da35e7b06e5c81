"""Sets of pages whose dirty sets are those that are wanted: non-negative least squares of relative errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from vmfailover.guest.workloads.hot_sets import PAGE_BLOCKS
from vmfailover.studies.fit.curve import Curve
from vmfailover.studies.fit.model import BURSTS, FittedSet, Kind, expected, of_page, visit_stores

__all__ = ["fewest", "fitted_sets", "rates_again"]

#: Returns the relative errors of some sets.
Errors = Callable[[Sequence[FittedSet]], NDArray[np.float64]]

#: Rates of a decade that sets are chosen from.
_DECADE = 8
#: The blocks of the fastest pages are visited so often in the shortest window: more cannot be told apart.
_MOST_VISITS = 4.0
#: The slowest are visited so often in the longest window: fewer cannot be told apart.
_FEWEST_VISITS = 0.1
#: What a store too many counts, against a relative error.
_BUDGET = 100.0
#: Errors well below this count little, and those well beyond it much.
_TOLD = 0.01
#: Sets are left out as long as the greatest error is within this, or within so much more than it was.
_FINE, _COARSER = 0.01, 1.01
#: How often sets are chosen: the first time nothing is known of how many stores a visit makes.
_PASSES = 2
#: Rates closer than this are neighbours on the grid, and as good as equal.
_NEIGHBOURS, _ALIKE = 1.4, 1.02
#: Kinds of sets, and blocks of a page that they visit, in the order in which they are tried; the first that leave no
#: error beyond this are taken.
_TRIED: tuple[tuple[tuple[Kind, ...], tuple[int, ...]], ...] = (
    (("random",), (PAGE_BLOCKS,)),
    (("random",), BURSTS),
    (("random", "stream"), (PAGE_BLOCKS,)),
    (("random", "stream"), BURSTS),
)
_ENOUGH = 0.02
#: Streams come less evenly within a tick than the formula has it, which is off by about this where windows are shorter.
_UNEVEN = 0.03
#: Rates that are fitted again stay within so many times, or one so many times, of what they were.
_FARTHEST = 10.0


def fitted_sets(curve: Curve) -> list[FittedSet]:
    """Return sets, of whole pages, whose mean dirty sets are those of a curve by stores, the fastest first.

    They are chosen from a grid of rates and bursts; as few are kept as do about as well; their pages are rounded, and
    their rates fitted again. Streams, and sets that visit a part of each page, are among them only if the curve cannot
    be met without.
    """
    found: list[list[FittedSet]] = []
    for kinds, parts in _TRIED:
        found.append(_of_kinds(curve, kinds, parts))
        if _worst_of(found[-1], curve) <= _ENOUGH:
            break
    best = min(found, key=lambda sets: _worst_of(sets, curve) + _UNEVEN * any(each.kind == "stream" for each in sets))
    return sorted(best, key=lambda each: -each.rate)


def _of_kinds(curve: Curve, kinds: Sequence[Kind], parts: Sequence[int]) -> list[FittedSet]:
    grid, visit = _grid(curve, kinds, parts), 1.0
    spent = np.array([each.blocks for each in grid])
    sets: list[FittedSet] = []
    for _ in range(_PASSES):
        columns = [of_page(each, curve.lengths, each.stores(visit)) / curve.units for each in grid]
        chosen, pages = fewest(np.array([column.ravel() for column in columns]).T, spent)
        sets = [replace(grid[at], pages=float(n)) for at, n in zip(chosen, pages, strict=True)]
        visit = visit_stores(sets)
    sets = _merged(sets, _NEIGHBOURS)
    freely = _refined(sets, lambda tried: _errors(tried, curve).ravel(), _with_pages)
    whole = [replace(each, pages=float(max(1, round(each.pages)))) for each in _telling(freely, curve)]
    return _merged(rates_again(whole, lambda tried: _errors(tried, curve).ravel()), _ALIKE)


def _telling(sets: Sequence[FittedSet], curve: Curve) -> list[FittedSet]:
    """Return the sets that make more than an error of the units of some window."""
    shares = [of_page(each, curve.lengths, each.stores(visit_stores(sets))) * each.pages / curve.units for each in sets]
    return [each for each, share in zip(sets, shares, strict=True) if share.max() > _FINE]


def _merged(sets: Sequence[FittedSet], ratio: float) -> list[FittedSet]:
    """Return the sets with those as one whose rates are closer than a ratio, and which are alike else."""
    merged: list[FittedSet] = []
    for each in sorted(sets, key=lambda each: (each.kind, each.burst, each.part, each.rate)):
        last = merged[-1] if merged else None
        if last and _looks(last) == _looks(each) and each.rate < ratio * last.rate:
            pages = last.pages + each.pages
            merged[-1] = replace(each, pages=pages, rate=(last.pages * last.rate + each.pages * each.rate) / pages)
        else:
            merged.append(each)
    return merged


def _looks(each: FittedSet) -> tuple[Kind, int, int]:
    """Return in what sets are alike that differ in their pages and rates alone."""
    return each.kind, each.burst, each.part


def _errors(sets: Sequence[FittedSet], curve: Curve) -> NDArray[np.float64]:
    return expected(sets, curve.lengths) / curve.units - 1


def _worst_of(sets: Sequence[FittedSet], curve: Curve) -> float:
    return float(np.abs(_errors(sets, curve)).max())


def _grid(curve: Curve, kinds: Sequence[Kind], parts: Sequence[int]) -> list[FittedSet]:
    """Return sets of one page."""
    grid = []
    for kind, part, burst in product(kinds, parts, BURSTS):
        if burst > part:
            continue
        slowest, fastest = _FEWEST_VISITS / curve.lengths[-1], _MOST_VISITS * part / burst / curve.lengths[0]
        rates = np.geomspace(slowest, fastest, round(_DECADE * np.log10(fastest / slowest)))
        grid += [FittedSet(kind, 1.0, float(rate), burst, part) for rate in rates]
    return grid


def fewest(matrix: NDArray[np.float64], spent: NDArray[np.float64]) -> tuple[list[int], NDArray[np.float64]]:
    """Return a few columns, and their weights, which add up to ones about as well as all columns can.

    The weights times what each has `spent` add up to no more than 1.
    """
    weights = _solved(matrix, spent)
    chosen = [int(at) for at in np.flatnonzero(weights > 0)]
    bound = max(_FINE, _COARSER * _worst(matrix, spent, chosen))
    while len(chosen) > 1:
        fewer = min(([at for at in chosen if at != out] for out in chosen), key=lambda k: _worst(matrix, spent, k))
        if _worst(matrix, spent, fewer) > bound:
            break
        chosen = fewer
    return chosen, _solved(matrix[:, chosen], spent[chosen])


def _worst(matrix: NDArray[np.float64], spent: NDArray[np.float64], chosen: list[int]) -> float:
    return float(np.abs(matrix[:, chosen] @ _solved(matrix[:, chosen], spent[chosen]) - 1).max())


def _solved(matrix: NDArray[np.float64], spent: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.optimize import nnls

    slack = np.append(np.zeros(len(matrix)), _BUDGET)
    rows = np.column_stack([np.vstack([matrix, _BUDGET * spent]), slack])
    scale = np.linalg.norm(rows, axis=0)
    solution, _ = nnls(rows / scale, np.append(np.ones(len(matrix)), _BUDGET), maxiter=100 * rows.shape[1])
    weights: NDArray[np.float64] = (solution / scale)[:-1]
    return weights


def rates_again(sets: Sequence[FittedSet], errors: Errors, budget: float = 1.0) -> list[FittedSet]:
    """Return the sets with rates that make their relative errors least, their pages being what they are.

    They visit no more blocks than `budget` for each unit in which the rates are.
    """
    return _refined(sets, errors, _with_rates, budget)


def _with_rates(sets: Sequence[FittedSet], factors: NDArray[np.float64]) -> list[FittedSet]:
    return [replace(each, rate=float(each.rate * factor)) for each, factor in zip(sets, factors, strict=True)]


def _with_pages(sets: Sequence[FittedSet], factors: NDArray[np.float64]) -> list[FittedSet]:
    """Return the sets with other rates, the first half of the factors, and other pages."""
    rates, pages = np.split(factors, 2)
    tried = zip(_with_rates(sets, rates), pages, strict=True)
    return [replace(each, pages=float(each.pages * factor)) for each, factor in tried]


def _refined(
    sets: Sequence[FittedSet],
    errors: Errors,
    changed: Callable[[Sequence[FittedSet], NDArray[np.float64]], list[FittedSet]],
    budget: float = 1.0,
) -> list[FittedSet]:
    """Return the sets `changed` by those factors that make the errors least."""
    from scipy.optimize import least_squares

    def weighed(logarithms: NDArray[np.float64]) -> NDArray[np.float64]:
        tried = changed(sets, np.exp(logarithms))
        relative = errors(tried)
        excess = max(0.0, sum(each.blocks for each in tried) - budget)
        return np.append(relative * (1 + np.abs(relative / _TOLD)), _BUDGET * excess)

    factors = len(sets) * (2 if changed is _with_pages else 1)
    farthest = np.full(factors, np.log(_FARTHEST))
    found = least_squares(weighed, np.zeros(factors), bounds=(-farthest, farthest), x_scale="jac", max_nfev=60)
    return changed(sets, np.exp(found.x))
