"""Each metric of some runs in one number."""

from collections.abc import Sequence

from vmfailover.records.metric_names import TRUTHS, bound_name
from vmfailover.records.metric_values import Metrics, Value
from vmfailover.studies.known import known, statistic_known
from vmfailover.studies.runs import MEASURED


def averages(runs: Sequence[Metrics]) -> dict[str, Value]:
    """Return each metric's mean over the runs that have it and, as `METRIC.half_width`, how exactly it is known.

    `runs` are the values of each.

    A truth value is true if it always is. Where a run has only a lower bound, so has the mean, and no value of its own.
    """
    found: dict[str, Value] = {}
    bounds: dict[str, Value] = {}
    for name in MEASURED:
        if name in TRUTHS:
            truths = [run[name] for run in runs if run.get(name) is not None]
            found[name] = all(truths) if truths else None
            continue
        observed = [each for each in (known(run, name) for run in runs) if each is not None]
        mean = statistic_known(observed)
        found[name], found[f"{name}.half_width"] = (None, None) if mean.at_least else (mean.mean, mean.half_width)
        if (bound := bound_name(name)) in MEASURED:
            bounds |= {bound: mean.mean if mean.at_least else None, f"{bound}.half_width": None}
    return found | bounds
