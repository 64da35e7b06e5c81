"""Settings of a scenario change what comes of some run: their code cannot go unseen."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from itertools import islice
from typing import Any

import pytest
from pydantic import ValidationError
from scenarios_for_tests import small

from vmfailover.results.metrics import WALL_CLOCK
from vmfailover.scenario import Scenario
from vmfailover.simulation import run

from .scenarios import built, drawn
from .test_scenarios import LEFT_OUT, every_key

#: Scenarios among which there are some with each setting.
MANY = 600
#: Pairs of scenarios that differ in a setting alone, at most, of which one pair has to differ in its results.
PAIRS = 40
#: Settings that no metric of one run depends on.
SILENT = {
    "name": "says nothing to a run",
    "clients.kind": "there is one kind",
    "failures.fixed": "says which failures replications move (tests/studies/test_replication.py)",
    "hosts.primary.cores": "limits a VM's vCPUs (tests/scenario/test_checks.py)",
    "hosts.secondary.cores": "limits a VM's vCPUs (tests/scenario/test_checks.py)",
    "hosts.primary.l1.latency": "is part of base_cpi",
    "hosts.secondary.l1.latency": "is part of base_cpi",
}

PRECOPY = {"replication.precopy.least": 1, "replication.precopy.rounds": 10}
#: A vCPU is busy with stores to more pages than are sent meanwhile.
BUSY = {
    "kind": "hot-sets",
    "instructions_per_access": 9000.0,
    "sets": [{"kind": "random", "memory": "60 MiB", "visits": "40000 /s", "stores": 10.0}],
}
#: The guest modifies memory about as fast as this migration sends.
MIGRATION = {
    "replication.migration": {"downtime_limit": "20 us"},
    "failures": [],
    "link.bandwidth": "4 Gbit/s",
    "replication.precopy.lead": "10 ms",
}
#: It modifies more than is sent in two periods, and in those after them.
THROTTLED = {
    **MIGRATION,
    "fidelity": "sampled",
    "duration": "8 s",
    "replication.precopy.lead": "8 s",
    "workload": BUSY,
    "vm.memory": "96 MiB",
    "vm.in_use": "64 MiB",
    "detection": {"kind": "hardware"},
    "clients": None,
    "expect": {},
    "link.bandwidth": "800 Mbit/s",
}
#: A link that comes and goes, from which phi-accrual learns.
UNSTEADY = {"at": "500 us", "kind": "link-cut", "lasts": "300 us", "repeat": 8, "every": "600 us"}
PHI = {"kind": "phi-accrual", "interval": "100 us", "phi": {"least_deviation": "1 us", "pause": "1 ms"}}
SWIM = {"kind": "swim", "swim": {"members": 5, "period": "2 ms", "probe_timeout": "200 us"}}
CUT = {"at": "2 ms", "kind": "link-cut"}
CRASH = {"at": "6300 us", "kind": "host-crash", "target": "primary"}
#: The secondary's order to its fencing device is on its way, the primary being up.
GIVEN_AND_LOST = {
    "fencing.delay": "4 ms",
    "failures": [CUT, {"at": "4 ms", "kind": "host-crash", "target": "secondary"}],
}
#: Hosts that lose sight of each other, or the VM's host its storage.
ISOLATED = {"at": "2 ms", "kind": "isolation"}
WITNESS = {"kind": "witness", "vote": "100 us", "response": "shut-down", "delay": "100 us", "shut_down": "100 us"}
PATHS = {"at": "2 ms", "kind": "all-paths-down", "paths_timeout": "1 ms", "restart_delay": "1 ms"}
WATCHDOG = {"kind": "watchdog", "timeout": "500 us", "wait": "1 ms"}
VOTED: dict[str, Any] = {"quorum": WITNESS, "fencing": {"kind": "none"}, "failures": [ISOLATED]}
GUARDED: dict[str, Any] = {"quorum": {"kind": "witness", "vote": "100 us"}, "fencing": WATCHDOG, "failures": [ISOLATED]}
HEALED: dict[str, Any] = {
    "fencing": {"kind": "none"},
    "failures": [{"at": "2 ms", "kind": "network-loss", "lasts": "3 ms"}],
}
#: A set whose pages are sent in larger units.
SETS: dict[str, Any] = {
    "workload": {"kind": "hot-sets", "sets": [{"kind": "random", "memory": "64 KiB", "visits": "300000 /s"}]},
    "replication.granularity": "64 KiB",
}
#: Settings that chance seldom draws in a scenario in which they matter: such a scenario, and another value.
BY_HAND: dict[str, tuple[str, dict[str, Any], Any]] = {
    "detection.phi.window": ("base", {"detection": PHI, "failures": [UNSTEADY, CRASH]}, 2),
    "detection.swim.indirect": ("base", {"detection": SWIM, "failures": [CUT]}, 0),
    "fencing.devices": ("base", GIVEN_AND_LOST, "one"),
    **{f"hosts.{host}.store_queue": ("log-drain", {}, 200) for host in ("primary", "secondary")},
    "hosts.secondary.l1.ways": ("base", {}, 2),
    "hosts.secondary.core_to_core": ("three-vcpus-log", {}, "400 ns"),
    "hosts.secondary.scan_cycles_per_set": (
        "base",
        {"reprotection": {"repair": "500 us"}, "failures.0.at": "3 ms"},
        "20 cycles",
    ),
    "replication.migration.downtime_limit": ("live-precopy-rounds", MIGRATION, "2 ms"),
    "replication.migration.bandwidth_limit": ("live-precopy-rounds", MIGRATION, "10 Mbit/s"),
    "replication.migration.stream_bandwidth": ("live-precopy-rounds", MIGRATION, "1 Gbit/s"),
    "replication.migration.channels": (
        "live-precopy-rounds",
        {**MIGRATION, "replication.migration.stream_bandwidth": "1 Gbit/s"},
        2,
    ),
    "replication.migration.timeout": ("live-precopy-rounds", MIGRATION, "1 ms"),
    "workload.sets.offset": ("base", SETS, "32 KiB"),
    "workload.sets.stride": ("base", SETS, "64 KiB"),
    "replication.migration.auto_converge": ("live-precopy-rounds", THROTTLED, True),
    "failures.paths_timeout": ("base", {"failures": [PATHS]}, "2 ms"),
    "failures.restart_delay": ("base", {"failures": [PATHS]}, "2 ms"),
    "fencing.heal": ("base", HEALED, "yield"),
    "fencing.spread": ("base", {}, "1 ms"),
    "fencing.timeout": ("base", GUARDED, "700 us"),
    "fencing.wait": ("base", GUARDED, "2 ms"),
    "quorum.delay": ("base", VOTED, "300 us"),
    "quorum.response": ("base", VOTED, "none"),
    "quorum.shut_down": ("base", VOTED, "300 us"),
    "replication.page_tracking.buffer": (
        "base",
        {"replication.protocol": "page-modification-log", "replication.page_tracking": {"buffer": 1}},
        512,
    ),
    "replication.precopy.least": ("live-precopy-rounds", PRECOPY, 200),
    "replication.precopy.most": ("live-precopy-rounds", PRECOPY, 1.0),
    "replication.precopy.rounds": ("live-precopy-rounds", PRECOPY, 2),
}
#: A line's size is that of both hosts.
LINES = ("hosts.primary.line", "hosts.secondary.line")
#: The value of a setting that is not written.
ABSENT = object()


def settings() -> list[str]:
    """Return the dotted keys of all settings, not those of sections."""
    every = every_key() - LEFT_OUT.keys() - SILENT.keys() - BY_HAND.keys() - set(LINES)
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


@pytest.mark.parametrize("key", BY_HAND)
def test_a_setting_that_seldom_matters_changes_the_results(key: str) -> None:
    variant, overrides, value = BY_HAND[key]
    scenario = small(variant, **overrides)
    assert metrics(scenario) != metrics(scenario.with_(**{re.sub(r"\b(failures|sets)\.", r"\1.0.", key): value}))


def test_the_size_of_a_line_changes_the_results() -> None:
    assert metrics(small()) != metrics(small().with_(**dict.fromkeys(LINES, "64 B")))
