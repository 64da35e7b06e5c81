"""Live migrations of QEMU 7.2, measured, against migrations of hot sets at the rates that were achieved."""

from functools import cache

import pytest

from vmfailover.records.metric_values import Metrics
from vmfailover.scenario import Scenario
from vmfailover.simulation import run

from .published import table

PAGE = 4096
#: What the emulator sends at most, bytes per second: the row with a cap that never counts.
EMULATOR = 118e6
#: Pages that the guest stores to in a second, by its name and the downtime limit in milliseconds.
STORES = {("u64", 30): 8000, ("u64", 300): 6200, ("zero", 30): 28}
#: State of the devices: what a stop on the real link takes beside the pages that were left.
DEVICES = 440 << 10


def rows() -> list[dict[str, str]]:
    """Return the rows that a cap or a link bounds; the emulator's own speed bounds the others."""
    return [row for row in table("qemu_migration") if row["bound_by"] in ("cap", "link")]


def name(row: dict[str, str]) -> str:
    return f"{row['guest']}-{row['run']}"


def completed(guest: str) -> list[object]:
    found = (row for row in rows() if row["guest"] == guest and row["status"] == "completed")
    return [pytest.param(row, id=name(row)) for row in found]


def scenario_of(row: dict[str, str]) -> Scenario:
    pages, achieved = int(row["ram_total_B"]) // PAGE, 8e6 * float(row["achieved_MBps"])
    capped, limit_ms = row["max_bandwidth_Bps"] != "0", int(row["downtime_limit_ms"])
    migration: dict[str, object] = {"downtime_limit": f"{limit_ms} ms", "timeout": "15 s"}
    if capped:
        migration["bandwidth_limit"] = f"{achieved:.0f} bit/s"
    visits = f"{STORES[row['guest'], limit_ms]} /s"
    return Scenario.model_validate(
        {
            "name": name(row),
            "fidelity": "sampled",
            "duration": "20 s",
            "hosts": {"primary": {"preset": "xeon"}, "secondary": {"preset": "xeon"}},
            "vm": {"memory": f"{pages * PAGE} B", "in_use": f"{(pages - int(row['zero_pages'])) * PAGE} B"},
            "workload": {"kind": "hot-sets", "sets": [{"kind": "random", "memory": "64 MiB", "visits": visits}]},
            "replication": {"protocol": "live-precopy", "precopy": {"lead": "20 s"}, "migration": migration},
            "hypervisor": {"vcpu_state": f"{DEVICES} B"},
            "link": {
                "bandwidth": f"{8 * EMULATOR if capped else achieved:.0f} bit/s",
                "latency": "20 us",
                "overhead": "0 B",
            },
            "detection": {"kind": "hardware"},
        }
    )


def migrated(row: dict[str, str]) -> Metrics:
    """Return the metrics of a row's migration."""
    return _migrated(rows().index(row))


@cache
def _migrated(index: int) -> Metrics:
    return run(scenario_of(rows()[index]), samples=0).values


@pytest.mark.slow
@pytest.mark.parametrize("row", completed("u64"))
def test_total_bytes_and_rounds(row: dict[str, str]) -> None:
    metrics = migrated(row)
    assert metrics["migration.converged"]
    assert metrics["migration.total_ns"] == pytest.approx(1e6 * int(row["total_ms"]), rel=0.1)
    assert metrics["migration.bytes"] == pytest.approx(int(row["transferred_B"]), rel=0.1)
    counted = (metrics["migration.rounds"] or 0) + 1  # QEMU reads the log once more, with the VM stopped
    assert abs(counted - int(row["dirty_sync_count"])) <= 2


@pytest.mark.slow
@pytest.mark.parametrize("row", [row for row in completed("u64") if row.values[0]["bound_by"] == "link"])  # type: ignore[attr-defined]
def test_downtime_on_the_real_link(row: dict[str, str]) -> None:
    metrics = migrated(row)
    assert metrics["migration.downtime_ns"] == pytest.approx(1e6 * int(row["downtime_ms"]), rel=0.25)


@pytest.mark.slow
def test_what_did_not_converge_does_not() -> None:
    (row,) = [row for row in rows() if row["status"] != "completed"]
    metrics = migrated(row)
    assert metrics["migration.converged"] is False
    assert metrics["migration.downtime_ns"] is None
    assert abs((metrics["migration.rounds"] or 0) - int(row["dirty_sync_count"])) <= 2


@pytest.mark.slow
@pytest.mark.parametrize("row", completed("zero"))
def test_an_idle_guest(row: dict[str, str]) -> None:
    metrics = migrated(row)
    assert metrics["migration.total_ns"] == pytest.approx(1e6 * int(row["total_ms"]), rel=0.15)
    assert metrics["migration.bytes"] == pytest.approx(int(row["transferred_B"]), rel=0.15)
