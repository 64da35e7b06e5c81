"""How metrics are computed from what a run leaves."""

from functools import cache
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenarios_for_tests import small

from vmfailover.guest.clients import Response
from vmfailover.results.metrics import blackout
from vmfailover.results.run_result import RunResult
from vmfailover.simulation import run

EXAMPLES = settings(derandomize=True, deadline=None, max_examples=150)


@cache
def result(variant: str = "base") -> RunResult:
    return run(small(variant))


def quantile(values: list[int], share: float) -> int:
    """Return the smallest value that at least this share of the values does not exceed, by its definition."""
    return sorted(values)[ceil(share * len(values)) - 1]


def responses(instants: list[int]) -> list[Response]:
    return [Response(number, 0, instant) for number, instant in enumerate(instants)]


INSTANTS = st.lists(st.integers(0, 100), max_size=12)


@EXAMPLES
@given(INSTANTS, st.integers(0, 80), st.integers(1, 40))
def test_the_blackout_is_the_longest_silence_with_part_of_the_outage_in_it(
    instants: list[int], down: int, outage: int
) -> None:
    takeover = down + outage
    instants = [*instants, 200]
    ends = sorted({0, *instants})
    silent = [end - start for start, end in pairwise(ends) if end > down and start < takeover]
    gap = blackout(responses(instants), down, takeover)
    assert gap is not None
    assert gap[1] - gap[0] == max(silent)


def test_the_blackout_is_from_one_response_to_the_next() -> None:
    assert blackout(responses([10, 90, 20, 30, 100]), 40, 60) == (30, 90)


def test_a_longer_silence_elsewhere_is_no_blackout() -> None:
    assert blackout(responses([10, 200, 210, 240]), 220, 230) == (210, 240)


def test_without_a_response_afterwards_the_blackout_has_no_end() -> None:
    assert blackout(responses([10, 20]), 30, 40) is None


@pytest.mark.parametrize(("down", "takeover"), [(None, None), (30, None), (None, 40)])
def test_without_an_outage_there_is_no_blackout(down: int | None, takeover: int | None) -> None:
    assert blackout(responses([10, 50]), down, takeover) is None


@pytest.mark.parametrize(("name", "share"), [("p50", 0.5), ("p99", 0.99), ("p999", 0.999)])
def test_quantiles_of_latency_are_latencies_that_were_observed(name: str, share: float) -> None:
    latencies = [response.received_ns - response.sent_ns for response in result().responses]
    assert result().values[f"client.latency_{name}_ns"] == quantile(latencies, share)


@pytest.mark.parametrize(("name", "share"), [("p50", 0.5), ("p99", 0.99)])
def test_quantiles_of_checkpoints_are_of_those_committed(name: str, share: float) -> None:
    rows = [row for row in result().epoch_rows if row.committed_ns >= 0]
    pauses = [row.resumed_ns - row.paused_ns for row in rows]
    latencies = [row.acknowledged_ns - row.captured_ns for row in rows if row.acknowledged_ns >= 0]
    assert result().values[f"checkpoint.pause_{name}_ns"] == quantile(pauses, share)
    assert result().values[f"checkpoint.commit_latency_{name}_ns"] == quantile(latencies, share)


def test_the_mean_period_is_from_one_stop_to_the_next() -> None:
    paused = [row.paused_ns for row in result().epoch_rows if row.committed_ns >= 0]
    assert result().values["checkpoint.period_mean_ns"] == pytest.approx(paused[-1] / len(paused))


def test_a_run_without_failure_has_no_failover() -> None:
    values = result("no-failure").values
    parts = ("latency", "detection", "fencing", "apply", "activation", "warmup")
    assert {values[f"failover.{part}_ns"] for part in parts} == {None}
    assert values["client.blackout_ns"] is None
    assert values["loss.work_ns"] is None


def test_a_run_without_clients_has_no_latency() -> None:
    values = result("no-clients").values
    assert {value for name, value in values.items() if name.startswith("client.")} == {None}
    assert values["failover.latency_ns"] is not None


def test_the_slowdown_is_time_lost_over_time_needed() -> None:
    values = result("no-streaming").values
    (spans,) = (spans for host, spans in result("no-streaming").spans.items() if host == "primary")
    ran = sum(end - begin for begin, end in spans)
    slowdown = values["guest.slowdown"]
    assert slowdown is not None
    assert slowdown >= spans[-1][1] / ran - 1 > 0


def test_the_slowdown_is_of_pauses_and_of_writing_the_log() -> None:
    roomy = run(small("no-streaming", **{"replication.log.size": "1 MiB", "failures": []}))
    slowdown, pause, stall = (
        float(roomy.values[f"guest.{name}"] or 0) for name in ("slowdown", "pause_fraction", "stall_fraction")
    )
    unprotected_ns = roomy.spans["primary"][-1][1] / (1 + slowdown)
    pauses_ns = sum(row.resumed_ns - row.paused_ns for row in roomy.epoch_rows if row.resumed_ns >= 0)
    assert pause == pytest.approx(pauses_ns / unprotected_ns)
    assert stall == pytest.approx(slowdown - pause)
    assert 0 < stall < pause


def test_accesses_are_those_of_both_hosts() -> None:
    before_takeover = run(small(duration="6400 us")).values["run.accesses"]
    accesses = result().values["run.accesses"]
    assert before_takeover is not None
    assert accesses is not None
    assert accesses > before_takeover > 0


def test_amplification_is_what_was_shipped_for_each_byte_modified() -> None:
    amplification = result("no-streaming").values["replication.amplification"]
    streamed = run(small("base", **{"link.bandwidth": "100 Gbit/s"})).values["replication.amplification"]
    assert amplification is not None
    assert streamed is not None
    assert streamed > amplification >= 1


@pytest.mark.parametrize("writes", ["logged", "missed"])
def test_an_image_is_consistent_without_mismatched_lines(writes: str) -> None:
    values = run(small("no-streaming", **{"replication.hypervisor_writes": writes})).values
    assert values["image.consistent"] == (writes == "logged") == (values["image.mismatched_lines"] == 0)


def test_speed_is_accesses_over_the_time_on_the_wall() -> None:
    accesses, seconds, speed = (
        float(result().values[f"run.{name}"] or 0) for name in ("accesses", "wall_seconds", "accesses_per_second")
    )
    assert speed == pytest.approx(accesses / seconds)


def test_entries_are_those_of_the_hardware_and_of_the_hypervisor() -> None:
    values = result().values
    hardware = sum(float(values[f"log.{cause}"] or 0) for cause in ("castout", "scan", "transfer"))
    entries = values["log.entries"]
    assert entries is not None
    assert entries > hardware > 0
