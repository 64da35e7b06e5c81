"""Settings of a scenario change what comes of some run: their code cannot go unseen."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from itertools import islice
from typing import Any

import pytest
from pydantic import ValidationError

from vmfailover.results.metrics import WALL_CLOCK
from vmfailover.scenario import Scenario
from vmfailover.simulation import run

from .scenarios import built, drawn
from .test_scenarios import LEFT_OUT, every_key

#: Scenarios among which there are some with each setting.
MANY = 600
#: Pairs of scenarios that differ in a setting alone, at most, of which one pair has to differ in its results.
PAIRS = 40
#: Settings that no metric depends on.
SILENT = {"name": "says nothing to a run"}

#: Settings that so many pairs do not show to matter: chance seldom draws a scenario in which they do.
UNREACHED = frozenset(
    {
        *("clients.kind", "detection.phi.window", "detection.swim.indirect", "failures.fixed", "fencing.devices"),
        *(f"hosts.{host}.{key}" for host in ("primary", "secondary") for key in ("cores", "l1.latency", "line")),
        *("hosts.primary.store_queue", "hosts.secondary.store_queue", "hosts.secondary.core_to_core"),
        *("hosts.secondary.scan_cycles_per_set", "replication.precopy.least", "replication.precopy.most"),
        "replication.precopy.rounds",
    }
)
#: The value of a setting that is not written.
ABSENT = object()


def settings() -> list[str]:
    """Return the dotted keys of all settings, not those of sections."""
    every = every_key() - LEFT_OUT.keys() - SILENT.keys() - UNREACHED
    return sorted(key for key in every if not any(other.startswith(f"{key}.") for other in every))


def holder(data: Any, names: list[str]) -> dict[str, Any] | None:
    """Return the mapping that has, or could have, a setting's last name; of a list the first item's."""
    for name in names[:-1]:
        data = data.get(name) if isinstance(data, Mapping) else None
        if isinstance(data, list):
            data = data[0] if data else None
    return data if isinstance(data, dict) else None


@cache
def values(key: str) -> dict[int, Any]:
    """Return the values of a setting by the number of the scenario that has a place for it."""
    names = key.split(".")
    holders = ((seed, holder(drawn(seed).data, names)) for seed in range(MANY))
    return {seed: where.get(names[-1], ABSENT) for seed, where in holders if where is not None}


def changed(seed: int, key: str, value: Any) -> Scenario | None:
    """Return a drawn scenario with another value of a setting; None if that is not legal."""
    data = deepcopy(dict(drawn(seed).data))
    where, name = holder(data, key.split(".")), key.split(".")[-1]
    assert where is not None
    where.pop(name, None)
    if value is not ABSENT:
        where[name] = value
    try:
        return built(data)
    except ValidationError:
        return None


def pairs(key: str) -> Iterator[tuple[int, Scenario]]:
    """Yield drawn scenarios, by number, each with what differs in one setting: without it, or as another one has it."""
    found = values(key)
    written = [seed for seed, value in found.items() if value is not ABSENT]
    for index, seed in enumerate(written):
        for value in (ABSENT, found[written[index - 1]]):
            other = changed(seed, key, value)
            if other is not None and other.hash != drawn(seed).scenario.hash:
                yield seed, other


def metrics(scenario: Scenario) -> dict[str, Any]:
    """Run a scenario, and return what it tells of the simulated machine."""
    return {name: value for name, value in run(scenario, samples=0).values.items() if name not in WALL_CLOCK}


@cache
def drawn_metrics(seed: int) -> dict[str, Any]:
    """Return the metrics of a drawn scenario."""
    return metrics(drawn(seed).scenario)


@pytest.mark.slow
@pytest.mark.parametrize("key", settings())
def test_a_setting_changes_the_results(key: str) -> None:
    assert any(drawn_metrics(seed) != metrics(other) for seed, other in islice(pairs(key), PAIRS))
