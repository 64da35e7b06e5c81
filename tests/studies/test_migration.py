"""What a live migration comes to, and whether the arithmetic of other settings holds against runs."""

from pathlib import Path
from typing import Any

import pytest

from vmfailover.errors import InputError
from vmfailover.scenario import load
from vmfailover.studies.migration import Migration, forecast, migrate
from vmfailover.studies.migration.forecast import busy
from vmfailover.studies.migration.migrate import BUSY

GIB = 1 << 30


def migration(rate: str = "40MB/s over 1s", **keys: Any) -> Migration:
    """Return the migration of a VM of 1 GiB over 1 Gbit/s."""
    known: dict[str, Any] = {"memory": GIB, "in_use": GIB // 2, "bandwidth": 10**9, "downtime_limit": "100 ms"}
    return migrate(**{**known, "dirty_rates": [rate], **keys})


def agree(found: Migration) -> None:
    """Hold the arithmetic against the run."""
    told, values = forecast(found.scenario), found.result.values
    assert told.converges == found.converged
    if told.converges:
        assert told.total_ns == pytest.approx(values["migration.total_ns"], rel=0.05)
        assert told.downtime_ns == pytest.approx(values["migration.downtime_ns"], rel=0.2)
        assert abs(told.rounds - (values["migration.rounds"] or 0)) <= 2


def test_it_converges_and_says_how() -> None:
    found = migration(against={"vrrp": 3 * 10**9, "heartbeat": 30 * 10**6})
    agree(found)
    assert found.converged
    assert 40e6 < (found.downtime_ns or 0) < 110e6
    assert [found.bears(name) for name in found.against] == [True, False]
    assert sum(each.sent_bytes for each in found.rounds) == found.result.values["migration.bytes"]
    assert busy(found.scenario) == pytest.approx(BUSY, rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize(
    "keys",
    [
        {"downtime_limit": "1 s"},
        {"bandwidth_limit": "600 Mbit/s"},
        {"stream_bandwidth": "300 Mbit/s", "channels": 2},
        {"rate": "200MB/s over 1s", "timeout": "30 s"},
        {"rate": "200MB/s over 1s", "auto_converge": True},
        {"rate": "90MB/s over 1s"},
    ],
    ids=str,
)
def test_the_arithmetic_holds_against_runs(keys: dict[str, Any]) -> None:
    agree(migration(**keys))


@pytest.mark.slow
def test_the_setting_that_helps_most_does_so_when_it_is_run() -> None:
    found = migration("200MB/s over 1s", timeout="60 s")
    assert not found.converged
    best = found.settings[0]
    assert best.forecast.converges
    mended = migration("200MB/s over 1s", timeout="60 s", bandwidth=10**10)
    assert dict(best.keys) == {"link.bandwidth": "10 Gbit/s"}
    assert mended.converged
    assert mended.result.values["migration.total_ns"] == pytest.approx(best.forecast.total_ns, rel=0.05)


def test_a_scenario_gives_guest_and_link() -> None:
    scenario = load(Path("scenarios/field/migration-does-not-converge.yaml"))
    found = migrate(scenario, memory=GIB * 3, in_use=GIB * 5 // 2, bandwidth=10**10, downtime_limit="1 s")
    assert found.scenario.workload == scenario.workload
    assert found.converged


def test_all_memory_is_in_use_if_nobody_says_less() -> None:
    found = migration(memory=GIB // 4, in_use=None)
    assert found.rounds[0].sent_bytes + (found.rounds[0].modified_bytes or 0) > GIB // 4


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"memory": None}, "memory"),
        ({"bandwidth": None}, "bandwidth"),
        ({"dirty_rates": []}, "dirty_rate"),
        ({"workload": "W.yaml"}, "workload"),
        ({"rate": "900MB/s over 1s"}, "in_use"),
        ({"downtime_limit": "0 s"}, "downtime_limit"),
        ({"channels": 0}, "channels"),
    ],
)
def test_what_does_not_fit_is_told(keys: dict[str, Any], text: str) -> None:
    with pytest.raises((InputError, ValueError), match=text):
        migration(**keys)
