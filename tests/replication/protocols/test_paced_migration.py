"""A migration as practised: when it looks, when it stops the VM, and what it takes from the guest."""

from typing import Any

import pytest
from scenarios_for_tests import small

from vmfailover.replication.protocols.live_precopy.pace import WINDOW_NS, Pace
from vmfailover.replication.protocols.live_precopy.paced import NO_LIMIT
from vmfailover.replication.protocols.live_precopy.throttle import PERIOD_NS, Throttle
from vmfailover.results.migration import rounds_of
from vmfailover.results.run_result import RunResult
from vmfailover.simulation import run

PAGE = 4096
#: 100 MB/s.
BANDWIDTH = 800_000_000
#: A vCPU that is busy for 90 % of its time with 9000 visits a second.
BUSY = {
    "kind": "hot-sets",
    "instructions_per_access": 25_000.0,
    "sets": [{"kind": "random", "memory": "32 MiB", "visits": "9000 /s", "stores": 10.0}],
}
#: With this a visit takes next to no time.
BRIEF: dict[str, Any] = {"workload.instructions_per_access": 4.0}


def migrated(visits: str = "9000 /s", memory: str = "32 MiB", until: str = "5 s", **overrides: Any) -> RunResult:
    """Return the migration, from the start, of a guest that stores to pages over a link of 50 MB/s."""
    workload = {**BUSY, "sets": [{**BUSY["sets"][0], "visits": visits, "memory": memory}]}  # type: ignore[index]
    spec = {
        "fidelity": "sampled",
        "duration": until,
        "hosts": {"primary": {"preset": "xeon"}, "secondary": {"preset": "xeon"}},
        "vm": {"memory": "96 MiB", "in_use": "64 MiB"},
        "workload": workload,
        "replication.precopy.lead": until,
        "link": {"bandwidth": "400 Mbit/s", "latency": "20 us", "overhead": "0 B"},
        "detection": {"kind": "hardware"},
        "failures": [],
        "clients": None,
        "expect": {},
        **overrides,
    }
    return run(small("live-precopy", **spec), samples=0)


def with_migration(**keys: Any) -> dict[str, Any]:
    return {"replication.migration": {"downtime_limit": "30 ms", **keys}}


def test_what_fits_is_what_was_sent_in_a_window_for_the_downtime() -> None:
    pace = Pace(BANDWIDTH, NO_LIMIT, 10_000_000, 0)
    assert (pace.fits(1_000_000), pace.fits(1_000_001)) == (True, False)
    pace.sent(5_000_000, WINDOW_NS)
    assert (pace.fits(500_000), pace.fits(500_001)) == (True, False)


def test_a_limited_window_sends_its_share_and_waits() -> None:
    pace = Pace(BANDWIDTH, BANDWIDTH // 4, 10_000_000, 0)
    assert pace.slice_bytes(10_000_000) == 2_500_000
    assert pace.sent(2_000_000, 20_000_000) == 20_000_000
    assert pace.slice_bytes(10_000_000) == 500_000
    assert pace.sent(500_000, 25_000_000) == WINDOW_NS
    assert pace.slice_bytes(10_000_000) == 2_500_000
    assert pace.measured == 25_000_000


def test_without_a_limit_a_slice_is_what_leaves_in_50_ms() -> None:
    pace = Pace(BANDWIDTH, NO_LIMIT, 10_000_000, 0)
    assert pace.slice_bytes(10_000_000) == 5_000_000
    assert pace.slice_bytes(3_000) == 3_000


def test_the_throttle_takes_more_after_every_two_periods_that_modify_more_than_half() -> None:
    throttle = Throttle(0)
    taken = []
    for period in range(1, 8):
        modified = 51 if period != 3 else 50
        throttle.judge(100, modified, period * PERIOD_NS)
        taken.append(throttle.percent)
    assert taken == [0, 20, 20, 20, 30, 30, 40]


def test_a_period_lasts_a_second_at_least() -> None:
    throttle = Throttle(0)
    for _ in range(4):
        assert not throttle.judge(100, 90, PERIOD_NS - 1)
    assert throttle.percent == 0


def test_a_longer_downtime_needs_fewer_rounds() -> None:
    short, long = (migrated(**with_migration(downtime_limit=limit)).values for limit in ("30 ms", "300 ms"))
    for metrics, limit_ns in ((short, 30e6), (long, 300e6)):
        assert metrics["migration.converged"]
        assert limit_ns / 3 < (metrics["migration.downtime_ns"] or 0) < limit_ns + 10e6
    assert (long["migration.rounds"] or 0) < (short["migration.rounds"] or 0)
    assert (long["migration.total_ns"] or 0) < (short["migration.total_ns"] or 0)


def test_the_limit_of_bandwidth_holds_for_the_rounds_and_not_for_the_stop() -> None:
    result = migrated(visits="2000 /s", **with_migration(bandwidth_limit="200 Mbit/s", downtime_limit="100 ms"))
    *rounds, stop = rounds_of(result)
    assert sum(each.sent_bytes for each in rounds[:1]) / rounds[0].duration_ns == pytest.approx(0.025, rel=0.02)
    left = stop.sent_bytes / 0.05
    assert result.values["migration.downtime_ns"] == pytest.approx(left, abs=5e6)


def test_a_round_ends_before_all_of_it_is_sent_and_has_what_was_modified() -> None:
    result = migrated(**with_migration(downtime_limit="300 ms"))
    first, second, *_ = rounds_of(result)
    assert first.sent_bytes < (64 << 20)
    pages = 8192 * (1 - (1 - 1 / 8192) ** (9000 * first.duration_ns / 1e9))
    assert first.modified_bytes == pytest.approx(pages * PAGE, rel=0.05)
    assert second.started_ns == first.started_ns + first.duration_ns


@pytest.mark.parametrize(("channels", "seconds"), [(1, 6.7), (2, 3.35), (8, 1.34)])
def test_channels_send_side_by_side_up_to_the_link(channels: int, seconds: float) -> None:
    keys = with_migration(stream_bandwidth="80 Mbit/s", channels=channels)
    first = rounds_of(migrated(visits="10 /s", until="8 s", **keys))[0]
    assert first.duration_ns / 1e9 == pytest.approx(seconds, rel=0.03)


def test_a_migration_that_takes_too_long_leaves_the_vm_where_it_is() -> None:
    result = migrated(visits="40000 /s", **with_migration(timeout="3 s"))
    (abandoned,) = (event.time_ns for event in result.event_rows if event.kind == "migration-abandoned")
    assert 3e9 <= abandoned < 3.1e9
    assert result.values["migration.converged"] is False
    assert result.values["migration.downtime_ns"] is None
    assert result.values["migration.rounds"] == len(rounds_of(result))
    assert result.spans["primary"][-1][1] == 5_000_000_000
    assert any("abandoned" in remark for remark in result.remarks)


def test_without_a_timeout_it_never_stops_a_vm_that_is_too_fast() -> None:
    result = migrated(visits="40000 /s", **BRIEF, **with_migration())
    assert result.values["migration.converged"] is False
    assert not any(event.kind == "switchover" for event in result.event_rows)


def throttled(result: RunResult) -> list[str]:
    return [event.detail for event in result.event_rows if event.kind == "throttle"]


@pytest.mark.slow
def test_auto_converge_slows_a_busy_guest_until_it_converges() -> None:
    fast: dict[str, Any] = {"visits": "24000 /s", "memory": "60 MiB", "until": "40 s"}
    spec: dict[str, Any] = {"workload.instructions_per_access": 9_000.0}
    without = migrated(**fast, **spec, **with_migration(timeout="39 s"))
    slowed = migrated(**fast, **spec, **with_migration(auto_converge=True, timeout="39 s"))
    assert without.values["migration.converged"] is False
    assert slowed.values["migration.converged"] is True
    assert throttled(slowed)[:2] == ["20 %", "30 %"]
    *_, before_last, _ = rounds_of(slowed)
    assert (before_last.modified_bytes or 0) * 1e9 / before_last.duration_ns < 24_000 * PAGE * 0.6


def test_auto_converge_does_nothing_to_a_guest_that_idles() -> None:
    idle: dict[str, Any] = {"visits": "24000 /s", "memory": "60 MiB", "until": "10 s"} | BRIEF
    modified = [
        rounds_of(migrated(**idle, **with_migration(auto_converge=each)))[-2].modified_bytes for each in (True, False)
    ]
    assert modified[0] == pytest.approx(modified[1], rel=0.02)
