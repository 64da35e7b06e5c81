"""How metrics are computed from what a run leaves."""

from functools import cache
from math import ceil

import pytest
from runs_for_tests import FEW_VARIANTS, variants
from scenarios_for_tests import PROTOCOL_OF, PROTOCOL_VARIANTS, VARIANTS, small

from vmfailover.results.metrics import metrics_of
from vmfailover.results.run_result import RunResult
from vmfailover.simulation import run


@cache
def result(variant: str = "base") -> RunResult:
    return run(small(variant))


def quantile(values: list[int], share: float) -> int:
    """Return the smallest value that at least this share of the values does not exceed, by its definition."""
    return sorted(values)[ceil(share * len(values)) - 1]


@pytest.mark.parametrize(("name", "share"), [("p50", 0.5), ("p99", 0.99)])
def test_quantiles_of_a_healthy_run_are_latencies_that_were_observed(name: str, share: float) -> None:
    found = result("no-failure")
    latencies = [response.received_ns - response.sent_ns for response in found.responses]
    assert found.values[f"client.latency_{name}_ns"] == pytest.approx(quantile(latencies, share), rel=0.05)
    assert found.values[f"client.before.latency_{name}_ns"] == found.values[f"client.latency_{name}_ns"]


def test_requests_are_before_across_or_after_the_outage_by_their_sending() -> None:
    found = result()
    failed, back = (found.first_ns(kind) or 0 for kind in ("failure", "takeover"))
    sent = [request.sent_ns for request in found.requests]
    counts = [sum(at < failed for at in sent), sum(failed <= at < back for at in sent), sum(at >= back for at in sent)]
    phases = ("before", "across", "after")
    assert [found.values[f"client.{phase}.requests"] for phase in phases] == counts
    assert min(counts) > 0
    unanswered = sum(int(found.values[f"client.{phase}.unanswered"] or 0) for phase in phases)
    assert found.values["client.unanswered"] == unanswered == found.unanswered


def test_every_request_is_answered_or_not() -> None:
    found = result()
    assert found.values["client.requests"] == len(found.responses) + found.unanswered
    assert all(0 <= response.sent_ns < response.received_ns <= found.end_ns for response in found.responses)


def test_what_is_never_answered_is_bounded_by_the_longest_wait() -> None:
    found = run(small(**{"fencing.failure_probability": "100 %"}))
    longest = max(found.end_ns - request.sent_ns for request in found.requests if request.received_ns is None)
    assert found.values["client.latency_p99_ns"] is None
    assert found.values["client.latency_p99_at_least_ns"] == longest
    assert found.values["client.latency_mean_at_least_ns"] == found.values["client.latency_mean_ns"]
    assert found.values["client.blackout_ns"] == found.end_ns - max(each.received_ns for each in found.responses)


@pytest.mark.parametrize("variant", variants([*VARIANTS, *PROTOCOL_VARIANTS], FEW_VARIANTS))
def test_the_slowdown_is_the_sum_of_its_parts(variant: str) -> None:
    values = result(variant).values
    parts = [float(values[f"guest.{cause}_fraction"] or 0) for cause in ("pause", "early_copy", "stall", "fault")]
    assert min(parts) >= 0
    assert float(values["guest.slowdown"] or 0) == pytest.approx(sum(parts), abs=1e-9)


@pytest.mark.parametrize("variant", variants([*VARIANTS, *PROTOCOL_VARIANTS], FEW_VARIANTS))
def test_no_more_is_sent_than_the_link_carries_in_the_time(variant: str) -> None:
    found = result(variant)
    assert float(found.values["replication.bandwidth_bps"] or 0) <= found.scenario.link.bandwidth


@pytest.mark.parametrize("variant", variants([*VARIANTS, *PROTOCOL_VARIANTS], FEW_VARIANTS))
def test_only_protocols_that_make_checkpoints_have_metrics_of_them(variant: str) -> None:
    made = PROTOCOL_OF.get(variant) not in ("record-replay", "live-precopy", "cold-restart")
    values = [value for name, value in result(variant).values.items() if name.startswith("checkpoint.")]
    assert (values != [None] * len(values)) == made
    assert all(value is None or value >= 0 for value in values)


@pytest.mark.parametrize("variant", variants([*VARIANTS, *PROTOCOL_VARIANTS], FEW_VARIANTS))
def test_a_run_lasts_as_long_as_it_says(variant: str) -> None:
    found = result(variant)
    assert found.end_ns == found.scenario.duration
    assert max(event.time_ns for event in found.event_rows) <= found.end_ns
    durations = {name: value for name, value in found.values.items() if name.endswith("_ns") and value is not None}
    assert {name: value for name, value in durations.items() if not 0 <= value <= found.end_ns} == {}


def test_the_first_evacuation_has_metrics_of_its_own() -> None:
    found = result("live-precopy")
    rounds = [row for row in found.epoch_rows if row.whole_memory]
    running = found.first_ns("takeover") or 0
    assert found.values["migration.rounds"] == len(rounds) > 1
    assert found.values["migration.bytes"] == sum(row.shipped_bytes for row in rounds)
    assert found.values["migration.total_ns"] == running - rounds[0].started_ns
    assert found.values["migration.downtime_ns"] == running - (found.first_ns("switchover") or 0)
    assert found.values["migration.converged"] is not any("did not converge" in remark for remark in found.remarks)
    assert {value for name, value in result().values.items() if name.startswith("migration.")} == {None}


def test_metrics_are_those_of_the_records_alone() -> None:
    found = result("three-vcpus-log")
    again = metrics_of(found, *(float(found.values[f"run.{name}_seconds"] or 0) for name in ("wall", "compile")))
    assert again == found.values


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


def test_speed_is_accesses_over_the_time_that_was_not_for_compiling() -> None:
    values = metrics_of(result(), wall_seconds=7.0, compile_seconds=5.0)
    assert (values["run.wall_seconds"], values["run.compile_seconds"]) == (7.0, 5.0)
    assert values["run.accesses_per_second"] == (values["run.accesses"] or 0) / 2.0


def test_entries_are_those_of_the_hardware_and_of_the_hypervisor() -> None:
    values = result().values
    hardware = sum(float(values[f"log.{cause}"] or 0) for cause in ("castout", "scan", "transfer"))
    entries = values["log.entries"]
    assert entries is not None
    assert entries > hardware > 0
