"""From a run that breaks an invariant to the smallest scenario that does."""

from collections.abc import Iterator
from typing import Any

from vmfailover.scenario import Scenario, ScenarioError
from vmfailover.scenario.writing import as_written
from vmfailover.studies.exploration import Explored, with_faults
from vmfailover.studies.runs import whole

#: Runs that minimising may take.
MOST_RUNS = 40
#: Sections that a scenario may do without, and what they are then.
_SPARE: dict[str, object] = {
    "clients": None,
    "replication.scan_interval": None,
    "replication.compression": None,
    "workload.repeat": False,
    "expect": {},
}


def minimised(scenario: Scenario, explored: Explored) -> Scenario:
    """Return the smallest scenario found that breaks the first invariant that a run has broken.

    Failures and sections are left out, and the run cut short, as long as the same invariant stays broken.
    """
    broken = explored.violations[0].partition(":")[0]
    smallest = with_faults(scenario, explored.point.faults)
    runs = 0
    improved = True
    while improved and runs < MOST_RUNS:
        improved = False
        for candidate in _smaller(smallest):
            runs += 1
            if _breaks(candidate, broken):
                smallest, improved = candidate, True
                break
    return smallest.with_(name=f"{scenario.name}-{broken.replace('_', '-')}", description=f"Breaks {broken}.")


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    """Yield scenarios that are smaller in one respect."""
    failures = as_written(scenario)["failures"]
    if len(failures) > 1:
        for left_out in range(len(failures)):
            yield from _changed(scenario, failures=failures[:left_out] + failures[left_out + 1 :])
    for key, value in _SPARE.items():
        if _value(scenario, key) != value:
            yield from _changed(scenario, **{key: value})
    last_ns = max(failure.at or 0 for failure in scenario.failures)
    if scenario.duration - last_ns > 10_000:
        yield from _changed(scenario, duration=f"{(scenario.duration + last_ns) // 2} ns")


def _changed(scenario: Scenario, **changes: object) -> Iterator[Scenario]:
    try:
        yield scenario.with_(**changes)
    except ScenarioError:
        return


def _value(scenario: Scenario, key: str) -> object:
    value: Any = scenario
    for part in key.split("."):
        value = getattr(value, part, None)
    return value


def _breaks(scenario: Scenario, name: str) -> bool:
    """Say whether a run breaks an invariant, or fails with an error, of this name."""
    try:
        return any(verdict.name == name and verdict.broken for verdict in whole(scenario).verdicts)
    except Exception as error:
        return type(error).__name__ == name
