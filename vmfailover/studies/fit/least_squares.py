"""Sets of pages whose dirty sets are those that are wanted: non-negative least squares of relative errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from vmfailover.studies.fit.curve import Curve
from vmfailover.studies.fit.model import BURSTS, FittedSet, Kind, expected, of_page

__all__ = ["fewest", "fitted_sets", "rates_again"]

#: Rates of a decade that sets are chosen from.
_DECADE = 8
#: The fastest pages are visited so often in the shortest window: more cannot be told apart.
_MOST_VISITS = 4.0
#: The slowest are visited so often in the longest window: fewer cannot be told apart.
_FEWEST_VISITS = 0.1
#: What a store too many counts, against a relative error.
_BUDGET = 100.0
#: Errors well below this count little, and those well beyond it much.
_TOLD = 0.01
#: Sets are left out as long as the greatest error is within this, or within so much more than it was.
_FINE, _COARSER = 0.01, 1.01
#: Streams are taken to be there if pages that are visited at random leave an error beyond this.
_RANDOM = 0.03
#: Rates that are fitted again stay within so many times, or one so many times, of what they were.
_FARTHEST = 10.0


def fitted_sets(curve: Curve) -> list[FittedSet]:
    """Return sets, of whole pages, whose mean dirty sets are those of a curve by stores, the fastest first.

    They are chosen from a grid of rates and bursts; as few are kept as do about as well; their pages are rounded, and
    their rates fitted again. Streams are among them only if the curve, whose bends are sharper then, cannot be met
    without.
    """
    found = _of_kinds(curve, ("random",))
    if _worst_of(found, curve) > _RANDOM:
        found = min(found, _of_kinds(curve, ("random", "stream")), key=lambda sets: _worst_of(sets, curve))
    return sorted(found, key=lambda each: -each.rate)


def _of_kinds(curve: Curve, kinds: Sequence[Kind]) -> list[FittedSet]:
    grid = _grid(curve, kinds)
    matrix = np.array([(of_page(each, curve.lengths, 1.0) / curve.units).ravel() for each in grid]).T
    spent = np.array([each.blocks for each in grid])
    chosen, pages = fewest(matrix, spent)
    sets = [replace(grid[at], pages=float(max(1, round(n)))) for at, n in zip(chosen, pages, strict=True)]
    return rates_again(sets, lambda tried: _errors(tried, curve).ravel())


def _errors(sets: Sequence[FittedSet], curve: Curve) -> NDArray[np.float64]:
    return expected(sets, curve.lengths) / curve.units - 1


def _worst_of(sets: Sequence[FittedSet], curve: Curve) -> float:
    return float(np.abs(_errors(sets, curve)).max())


def _grid(curve: Curve, kinds: Sequence[Kind]) -> list[FittedSet]:
    """Return sets of one page."""
    slowest, fastest = _FEWEST_VISITS / curve.lengths[-1], _MOST_VISITS / curve.lengths[0]
    rates = np.geomspace(slowest, fastest, round(_DECADE * np.log10(fastest / slowest)))
    return [FittedSet(kind, 1.0, float(rate), burst) for kind, burst, rate in product(kinds, BURSTS, rates)]


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


def rates_again(
    sets: Sequence[FittedSet],
    errors: Callable[[Sequence[FittedSet]], NDArray[np.float64]],
    budget: float = 1.0,
) -> list[FittedSet]:
    """Return the sets with rates that make their relative errors least, their pages being what they are.

    They visit no more blocks than `budget` for each unit in which the rates are.
    """
    from scipy.optimize import least_squares

    def with_rates(logarithms: NDArray[np.float64]) -> list[FittedSet]:
        return [replace(each, rate=float(np.exp(rate))) for each, rate in zip(sets, logarithms, strict=True)]

    def weighed(logarithms: NDArray[np.float64]) -> NDArray[np.float64]:
        tried = with_rates(logarithms)
        relative = errors(tried)
        excess = max(0.0, sum(each.blocks for each in tried) - budget)
        return np.append(relative * (1 + np.abs(relative / _TOLD)), _BUDGET * excess)

    start = np.log([each.rate for each in sets])
    bounds = (start - np.log(_FARTHEST), start + np.log(_FARTHEST))
    return with_rates(least_squares(weighed, start, bounds=bounds, x_scale="jac", max_nfev=200).x)
