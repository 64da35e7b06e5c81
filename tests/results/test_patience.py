"""A failover that is under way at the end is waited for as long as it can come, and no longer."""

from typing import Any

import pytest
from marks import mostly_slow
from runs_for_tests import happened
from scenarios_for_tests import small

from vmfailover.results import patience
from vmfailover.results.outcome import headline
from vmfailover.results.run_result import RunResult
from vmfailover.scenario.detection import DETECTION_PRESETS, Detection
from vmfailover.simulation import run

MS = 1_000_000
#: Every kind of detector, with the longest luck that it can have to wait for.
DETECTORS: dict[str, dict[str, Any]] = {
    "heartbeat": {"kind": "heartbeat", "confirmation": "20 ms"},
    "phi-accrual": {"kind": "phi-accrual", "interval": "500 us"},
    "swim": {"kind": "swim", "swim": {"members": 20, "period": "3 ms", "probe_timeout": "100 us", "suspicion": "5 ms"}},
    "token": {"kind": "token", "token": {"members": 3, "token": "2 ms", "join": "5 ms", "disagreement": "90 %"}},
    "sentinel, quick": {
        "kind": "sentinel",
        "sentinel": {"down_after": "3 ms", "ping": "2 ms", "least_tick": "100 us", "most_tick": "200 us"},
    },
    "hardware": {"kind": "hardware", "delay": "20 ms"},
    "witness": {"kind": "witness", "witness": {"timeout": "60 ms"}},
    **{name: {"preset": name} for name in DETECTION_PRESETS},
}
#: A report of a host that is down, which never comes of one that hangs.
REPORT = {"kind": "hardware", "delay": "1 ms"}
HANG, CRASH, CUT = ({"kind": kind} for kind in ("hypervisor-hang", "host-crash", "link-cut"))


def extended(variant: str = "cold-restart", **overrides: object) -> RunResult:
    """Run a variant that ends just after its failure, and goes on until the takeover."""
    return run(small(variant, **{"extend": "until-takeover", "duration": "7 ms", "clients": None, **overrides}))


def test_every_detector_is_here() -> None:
    assert {settings.get("kind") for settings in DETECTORS.values()} >= set(Detection.kinds)


@pytest.mark.parametrize("name", mostly_slow(DETECTORS, "heartbeat", "swim", "token"))
def test_the_takeover_is_waited_for_with_every_detector(name: str) -> None:
    for seed in range(1 if name in DETECTION_PRESETS else 10):
        found = extended(seed=seed, detection=DETECTORS[name])
        assert [event.time_ns for event in happened(found, "takeover")] == [found.end_ns]
        assert found.end_ns > found.scenario.duration
        assert found.remarks == found.scenario.warnings


def test_silence_that_has_become_usual_is_waited_for() -> None:
    """After two cuts of the link, phi-accrual is patient for longer than its settings tell."""
    phi = {"window": 2, "pause": "5 ms", "threshold": 1.0, "least_deviation": "0 us"}
    cuts = [
        {"at": at, "lasts": lasts, "target": "forward", **CUT}
        for at, lasts in (("1600 us", "4800 us"), ("7100 us", "10 ms"))
    ]
    found = extended(
        detection={"kind": "phi-accrual", "interval": "500 us", "phi": phi},
        failures=[*cuts, {"at": "17600 us", **CRASH}],
        duration="18 ms",
    )
    assert happened(found, "takeover")
    detection_ns = found.values["failover.detection_ns"]
    assert detection_ns is not None
    assert detection_ns > patience.FACTOR * found.scenario.detection.longest_ns


def test_a_second_host_that_comes_back_is_waited_for() -> None:
    hang = {"at": "6200 us", "lasts": "80 ms", "target": "secondary", **HANG}
    found = extended(
        failures=[hang, {"at": "6300 us", **CRASH}], detection={"interval": "500 us", "timeout": "1500 us"}
    )
    assert [event.time_ns for event in happened(found, "takeover")] == [found.end_ns]
    assert found.end_ns > 86_200_000


def test_a_second_host_that_hangs_for_ever_is_not_waited_for() -> None:
    found = extended(failures=[{"at": "6200 us", "target": "secondary", **HANG}, {"at": "6300 us", **CRASH}])
    assert found.end_ns == found.scenario.duration
    assert not found.interrupted
    assert found.remarks[-1] == (
        "the run ended in the detection of a failover, which was not waited for: "
        "the secondary hangs for ever, and no other host can take over"
    )


def test_a_hang_that_begins_meanwhile_ends_the_waiting() -> None:
    found = extended(failures=[{"at": "6300 us", **CRASH}, {"at_phase": "fencing", "target": "secondary", **HANG}])
    fenced_ns = happened(found, "fence")[0].time_ns
    assert fenced_ns <= found.end_ns < fenced_ns + 20 * MS
    assert "the run ended in the activation of a failover, which was not waited for" in found.remarks[-1]


def test_what_no_detector_notices_is_waited_for_as_long_as_it_could_be_noticed() -> None:
    found = extended(failures=[{"at": "6300 us", **HANG}], detection=REPORT)
    assert 6.3 * MS + 2 * MS <= found.end_ns < 6.3 * MS + 2 * MS + 20 * MS
    assert found.remarks[-1].endswith("nothing has noticed the failure, for which detection needs 1 ms at most")


def test_a_host_that_could_not_be_fenced_before_is_not_waited_for() -> None:
    cut = {"at": "1 ms", "lasts": "4 ms", "target": "forward", **CUT}
    found = extended(
        failures=[cut, {"at": "6300 us", **CRASH}],
        detection={"interval": "500 us", "timeout": "1500 us"},
        **{"fencing.failure_probability": "100 %"},
    )
    assert happened(found, "fencing-failed")[0].time_ns < 6_300_000
    assert found.end_ns == found.scenario.duration
    assert "; as it could not be fenced, the secondary did not take over." in headline(found)


def test_a_vm_that_cannot_be_moved_any_more_is_not_waited_for() -> None:
    found = extended(
        "live-precopy",
        failures=[{"at": "11500 us", **CUT}],
        detection=REPORT,
        duration="12 ms",
        **{"replication.precopy": {"lead": "1 ms", "least": 30, "rounds": 1}},
    )
    assert happened(found, "switchover")
    assert found.end_ns == found.scenario.duration
    assert found.remarks[-1].endswith("not waited for: the link is cut for ever, and the VM cannot be moved")


def test_nothing_is_waited_for_beyond_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "MOST_EXTENSION_NS", 30 * MS)
    found = extended(**{"replication.restart.boot": "60 ms"})
    assert 37 * MS <= found.end_ns < 48 * MS
    assert found.remarks[-1].endswith("not waited for: it would take more than 30 ms beyond the end")


def test_a_host_that_is_isolated_and_still_heard_is_not_waited_for() -> None:
    failure = {"at": "2 ms", "kind": "isolation", "one_way": "in"}
    fencing = {"kind": "stonith", "host_delay": {"primary": "100 s"}}
    found = run(small("base", failures=[failure], fencing=fencing, extend="until-takeover"), samples=0)
    assert found.end_ns < 20_000_000
