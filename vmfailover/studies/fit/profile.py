"""Fitted sets as a workload: what a scenario says of a guest, and the file that it is read from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vmfailover.errors import InputError
from vmfailover.files.whole_file import write_whole
from vmfailover.guest.workloads.hot_sets import PAGE_BLOCKS, HotSetsWorkload
from vmfailover.scenario.errors import dotted
from vmfailover.scenario.explain import problems_of
from vmfailover.scenario.sizes import PAGE_BYTES
from vmfailover.scenario.units import DURATION, RATE, SIZE
from vmfailover.scenario.workload_file import REMARKS
from vmfailover.scenario.writing import yaml_of
from vmfailover.studies.fit.fluctuation import FittedFluctuation
from vmfailover.studies.fit.model import FittedSet
from vmfailover.traces.accesses import BLOCK_BYTES

__all__ = ["TICK_NS", "profile", "workload_of", "write_profile"]

#: Step of the grid on which visits are drawn, nanoseconds.
TICK_NS = 100_000


def profile(
    sets: Sequence[FittedSet],
    *,
    description: str,
    stores_per_second: float,
    visit_stores: float = 1.0,
    loads: float = 0.0,
    instructions: float | None = None,
    fluctuation: FittedFluctuation | None = None,
    fitted: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the plain data of a workload of sets whose rates are by stores; what is None is left to its default.

    `visit_stores` are those of a visit, at least one a block, `loads` those for each store; the fluctuation's time is
    in nanoseconds. `fitted` says where it comes from, and is used for nothing.
    """
    told: dict[str, Any] = {"description": description, "kind": "hot-sets", "tick": DURATION.format(TICK_NS)}
    if instructions is not None:
        told["instructions_per_access"] = _rounded(instructions)
    if fluctuation is not None:
        told["fluctuation"] = {
            "variation": f"{100 * fluctuation.variation:.3g} %",
            "correlation": DURATION.format(max(1000, round(fluctuation.correlation, -3))),
        }
    told["sets"] = [_set(each, stores_per_second, visit_stores) | {"loads": _rounded(loads)} for each in sets]
    return told | {"fitted": dict(fitted)}


def _set(each: FittedSet, stores_per_second: float, visit_stores: float) -> dict[str, Any]:
    told = {
        "kind": each.kind,
        "memory": SIZE.format(round(each.pages) * PAGE_BYTES),
        "visits": RATE.format(_rounded(each.pages * each.rate * stores_per_second)),
        "burst": SIZE.format(each.burst * BLOCK_BYTES),
        "stores": _rounded(each.stores(visit_stores)),
    }
    part = {"within": SIZE.format(each.part * BLOCK_BYTES)} if each.part < PAGE_BLOCKS else {}
    apart = {"stride": SIZE.format(each.stride * PAGE_BYTES)} if each.stride > 1 else {}
    return told | part | apart


def _rounded(number: float, digits: int = 6) -> float:
    return float(f"{number:.{digits}g}")


def workload_of(told: Mapping[str, Any]) -> HotSetsWorkload:
    """Return the settings of a profile; raise InputError, of one line, for what is beyond all limits."""
    try:
        return HotSetsWorkload.model_validate({key: value for key, value in told.items() if key not in REMARKS})
    except ValidationError as error:
        problem = next(problems_of(HotSetsWorkload, error))
        raise InputError(
            f"the fitted workload cannot be: {dotted(problem.path)}: {problem.message}; look at the guest's rates, or "
            "at its time, which ipc and clock make longer or shorter"
        ) from None


def write_profile(told: Mapping[str, Any], path: Path) -> None:
    """Write a profile, which appears once it is whole; raise OSError, naming the file, if it cannot be."""
    write_whole(path, yaml_of(dict(told)))
