"""Each metric of some runs in one number."""

from collections.abc import Sequence

from vmfailover.records.metric_names import DEFINITIONS, TRUTHS, bound_name
from vmfailover.records.metric_values import Metrics, Value
from vmfailover.studies.known import known, statistic_known
from vmfailover.studies.runs import MEASURED

#: Metrics that a run may lack, bounds aside, which count with what they are bounds of.
OPTIONAL = frozenset(name for name in MEASURED if DEFINITIONS[name].none) - frozenset(map(bound_name, MEASURED))


def count_name(metric: str) -> str:
    """Return the column that says in how many runs a metric is known."""
    return f"{metric}.n"


def averages(runs: Sequence[Metrics]) -> dict[str, Value]:
    """Return each metric's mean over the runs that have it and, as `METRIC.half_width`, how exactly it is known.

    `runs` are the values of each. A truth value is true if it always is. Where a run has only a lower bound, so has the
    mean, and no value of its own. In how many runs anything is known of a metric that need not have a value, is its
    `METRIC.n`.
    """
    found: dict[str, Value] = {}
    bounds: dict[str, Value] = {}
    counts: dict[str, int] = {}
    for name in MEASURED:
        if name in TRUTHS:
            truths = [run[name] for run in runs if run.get(name) is not None]
            found[name] = all(truths) if truths else None
            counts[name] = len(truths)
            continue
        observed = [each for each in (known(run, name) for run in runs) if each is not None]
        mean = statistic_known(observed)
        found[name], found[f"{name}.half_width"] = (None, None) if mean.at_least else (mean.mean, mean.half_width)
        counts[name] = len(observed)
        if (bound := bound_name(name)) in MEASURED:
            bounds |= {bound: mean.mean if mean.at_least else None, f"{bound}.half_width": None}
    return found | bounds | {count_name(name): count for name, count in counts.items() if name in OPTIONAL}
