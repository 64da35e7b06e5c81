"""Sweeps for figures: a real one, and such as are made by hand for what is rare."""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import product

import pandas as pd
from scenarios_for_tests import minute

from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.sweep import Sweep, sweep

INTERVAL = "replication.checkpoint_interval"
PROTOCOL = "replication.protocol"


@cache
def swept() -> Sweep:
    """A real sweep of an interval, of which the longest cannot be run, and a protocol."""
    keys = {INTERVAL: "100us,300us,2s", PROTOCOL: "cacheline-flags,page-dirty-bits"}
    return sweep(minute(), keys, replications=2, executor=InThisProcess())


def made(
    keys: Mapping[str, Sequence[str]],
    values: Mapping[str, Sequence[float | None]],
    *,
    errors: Sequence[int] = (),
    broken: Sequence[int] = (),
    zipped: bool = False,
    widths: Mapping[str, Sequence[float | None]] | None = None,
    known: Mapping[str, Sequence[int]] | None = None,
    replications: int = 4,
) -> Sweep:
    """A sweep with these values at its points, of which some could not be run or broke an invariant.

    Half the widths of confidence intervals are 0, and all metrics are known in all runs, unless said otherwise.
    """
    exact: dict[str, Sequence[float | None]] = {metric: [0.0] * len(column) for metric, column in values.items()}
    half = exact | dict(widths or {})
    pairs = zip(*keys.values(), strict=True) if zipped else product(*keys.values())
    texts = tuple(dict(zip(keys, pair, strict=True)) for pair in pairs)
    points = range(len(texts))
    about = {
        "point": list(points),
        "error": ["no" if point in errors else "" for point in points],
        "broken": ["promise" if point in broken else "" for point in points],
        "remark": [""] * len(texts),
    }
    columns = {key: [point[key] for point in texts] for key in keys}
    numbers = {metric: pd.Series(list(column), dtype="float64") for metric, column in values.items()}
    columns_of_widths = {f"{metric}.half_width": pd.Series(list(half[metric]), dtype="float64") for metric in values}
    counts = {f"{metric}.n": list(column) for metric, column in (known or {}).items()}
    frame = pd.DataFrame({**about, **columns, **numbers, **columns_of_widths, **counts})
    return Sweep(minute(), tuple(keys), texts, frame, replications=replications)
