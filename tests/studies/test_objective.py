"""Objectives and constraints of runs, some of which were cut off or have no value."""

import pytest

from vmfailover.records.metric_values import Metrics
from vmfailover.studies.objective import Constraint, Objective
from vmfailover.studies.runs import StudyRun
from vmfailover.studies.statistics import Estimate

METRIC, BOUND = "client.latency_p99_ns", "client.latency_p99_at_least_ns"


def runs(*values: Metrics) -> list[StudyRun]:
    return [StudyRun("", number, number, each) for number, each in enumerate(values)]


SEEN: Metrics = {METRIC: 1e6}


@pytest.mark.parametrize(
    ("text", "values", "kept"),
    [
        ("< 2 ms", [SEEN, SEEN], True),
        ("< 2 ms", [SEEN, {}], False),
        ("< 2 ms", [{}], False),
        ("< 2 ms", [SEEN, {BOUND: 1e6}], False),
        ("< 2 ms", [{BOUND: 3e6}], False),
        ("> 2 ms", [{BOUND: 3e6}], True),
        ("> 2 ms", [SEEN], False),
    ],
)
def test_a_constraint_is_kept_if_that_is_known_of_every_run(text: str, values: list[Metrics], kept: bool) -> None:
    assert (Constraint.parse(f"{METRIC} {text}").excess(runs(*values)) <= 0) == kept


def test_the_further_beyond_a_bound_is_the_worse() -> None:
    constraint = Constraint.parse(f"{METRIC} < 2 ms")
    near, far = (constraint.excess(runs({BOUND: bound})) for bound in (3e6, 9e6))
    assert 0 < near < far
    assert constraint.excess(runs({})) == 1.0


def test_an_objective_is_that_of_values_and_bounds() -> None:
    found = Objective(METRIC, "mean").of(runs(SEEN, {BOUND: 3e6}, {}))
    assert (found.value, found.n, found.high, found.at_least) == (2e6, 2, None, True)
    assert Objective(METRIC, "mean").of(runs({METRIC: True})) == Estimate("mean", None, None, None, 0)
