"""The metrics of a run against what the run itself shows."""

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
from runs_for_tests import FEW_VARIANTS, Observed, happened, observe, observe_variant, variants
from scenarios_for_tests import VARIANTS, small

from vmfailover.guest.access_buffer import Replay
from vmfailover.guest.workloads.hot_sets.units import SampledHotSets
from vmfailover.guest.workloads.workload import Workload
from vmfailover.hardware.cache.state import Counter
from vmfailover.records.metric_names import METRICS

every_variant = pytest.mark.parametrize("variant", variants(VARIANTS, FEW_VARIANTS))


def value(run: Observed, name: str) -> float:
    metric = run.result.values[name]
    assert metric is not None
    return metric


@every_variant
def test_every_metric_is_there_in_order(variant: str) -> None:
    assert list(observe_variant(variant).result.values) == list(METRICS)


@every_variant
def test_the_log_holds_what_its_causes_wrote(variant: str) -> None:
    run = observe(small(variant, failures=[]))
    software = run.cluster.primary.guest.device_writes
    causes = sum(value(run, f"log.{cause}") for cause in ("castout", "scan", "transfer"))
    read = sum(epoch.log_entries for epoch in run.result.epoch_rows)
    assert value(run, "log.entries") == causes + software
    assert value(run, "log.entries") == read + run.cluster.primary.vm.log.read().size
    assert run.cluster.primary.host.processor.count(Counter.LOG_SOFTWARE) == software


@every_variant
def test_the_log_is_never_fuller_than_full(variant: str) -> None:
    run = observe_variant(variant)
    assert 0 < value(run, "log.peak_fill") <= 1
    assert value(run, "log.interrupts") == len(happened(run.result, "log-limit"))
    assert (value(run, "log.stall_ns") > 0) == (value(run, "log.interrupts") > 0)


@every_variant
def test_duplicates_are_entries_that_no_line_was_sent_for(variant: str) -> None:
    run = observe_variant(variant)
    entries = sum(epoch.log_entries for epoch in run.result.epoch_rows)
    assert value(run, "log.duplicates") == sum(epoch.duplicates for epoch in run.result.epoch_rows)
    assert entries - value(run, "log.duplicates") >= value(run, "replication.lines") > 0


@every_variant
def test_checkpoints_are_counted_by_their_commits(variant: str) -> None:
    run = observe_variant(variant)
    committed = [row for row in run.result.epoch_rows if row.committed_ns >= 0]
    assert value(run, "checkpoint.count") == len(committed) == len(happened(run.result, "commit"))
    pauses = sorted(row.resumed_ns - row.paused_ns for row in committed)
    assert pauses[0] <= value(run, "checkpoint.pause_p50_ns") <= value(run, "checkpoint.pause_p99_ns") <= pauses[-1]
    assert value(run, "checkpoint.commit_latency_p50_ns") >= 2 * run.result.scenario.link.latency


@every_variant
def test_the_parts_of_a_pause_add_up(variant: str) -> None:
    run = observe_variant(variant)
    resume = run.result.scenario.hypervisor.resume
    rows = [row for row in run.result.epoch_rows if row.resumed_ns >= 0]
    assert rows
    for row in rows:
        parts = row.quiesce_ns + row.scan_ns + row.capture_ns + row.deduplication_ns + row.harvest_ns + resume
        assert row.resumed_ns - row.paused_ns == parts


@every_variant
def test_the_instants_of_an_epoch_are_in_order(variant: str) -> None:
    for row in observe_variant(variant).result.epoch_rows:
        instants = [
            row.started_ns,
            row.paused_ns,
            row.captured_ns,
            row.resumed_ns,
            row.committed_ns,
            row.acknowledged_ns,
        ]
        known = [instant for instant in instants if instant >= 0]
        assert known == sorted(known)
        assert instants == known + [-1] * (len(instants) - len(known))


@pytest.mark.parametrize("batch", [64, 500])
def test_the_link_carries_lines_states_and_headers(batch: int) -> None:
    changes = {"duration": "5900 us", "failures": [], "replication.batch": batch, "replication.log.size": "1 MiB"}
    run = observe(small("no-streaming", **changes))
    sent = [row for row in run.result.epoch_rows if row.sent_ns >= 0]
    assert len(sent) == len(run.result.epoch_rows) - 1 == 5
    shipped = sum(row.lines * (8 + 128) + (math.ceil(row.lines / batch) + 1) * 32 for row in sent)
    assert value(run, "log.interrupts") == 0
    assert value(run, "replication.bytes") == shipped + len(sent) * (32 + 8192)
    assert value(run, "replication.bytes") == run.cluster.link.forward.statistics.stream_bytes
    assert value(run, "replication.bandwidth_bps") == pytest.approx(value(run, "replication.bytes") * 8 / 5.9e-3)


@every_variant
def test_the_link_is_never_busier_than_the_run_is_long(variant: str) -> None:
    run = observe_variant(variant)
    statistics, spec = run.cluster.link.forward.statistics, run.result.scenario.link
    assert 0 < value(run, "replication.bytes") <= statistics.stream_bytes
    assert value(run, "replication.bandwidth_bps") <= spec.bandwidth
    assert statistics.wire_bytes >= statistics.stream_bytes + statistics.datagram_bytes + spec.overhead
    assert statistics.busy_ns <= run.result.end_ns
    assert statistics.wire_bytes * 8e9 / spec.bandwidth == pytest.approx(statistics.busy_ns, rel=0.01)


@every_variant
def test_the_causes_of_the_slowdown_add_up_to_it(variant: str) -> None:
    run = observe_variant(variant)
    causes = [value(run, f"guest.{cause}_fraction") for cause in ("pause", "early_copy", "stall", "fault")]
    assert min(causes) >= 0
    assert sum(causes) == pytest.approx(value(run, "guest.slowdown"), abs=1e-12)


@pytest.mark.parametrize("variant", variants(sorted(VARIANTS.keys() - {"no-failure"}), FEW_VARIANTS))
def test_the_work_lost_is_what_the_vm_ran_since_the_last_checkpoint(variant: str) -> None:
    run = observe_variant(variant)
    (takeover,) = happened(run.result, "takeover")
    (failure,) = happened(run.result, "failure")
    captured = run.result.epoch_rows[takeover.epoch].captured_ns if takeover.epoch >= 0 else 0
    spans = run.result.spans["primary"]
    assert value(run, "loss.work_ns") == sum(
        min(end, failure.time_ns) - begin for begin, end in spans if begin >= captured
    )


def records(workload: Workload, begin: Sequence[int], end: Sequence[int]) -> int:
    """Return how many records all vCPUs have between some positions."""
    return sum(
        chunk.records
        for vcpu, (first, stop) in enumerate(zip(begin, end, strict=True))
        for chunk in Replay(workload, vcpu, first).up_to(stop)
    )


@every_variant
def test_no_access_is_counted_that_the_program_does_not_have(variant: str) -> None:
    run = observe_variant(variant)
    workload, primary, secondary = run.cluster.workload, run.cluster.primary.vm, run.cluster.secondary.vm
    assert not isinstance(workload, SampledHotSets)
    executed = records(workload, (0,) * primary.vcpus, primary.positions)
    if run.cluster.protection.unprotected is not None:
        executed += records(workload, run.cluster.protection.committed.positions, secondary.positions)
    assert value(run, "run.accesses") == executed > 1000


def test_the_blackout_is_the_longest_silence_of_a_run_whose_only_trouble_is_its_failure() -> None:
    run = observe_variant("base")
    received = sorted(response.received_ns for response in run.result.responses)
    assert value(run, "client.blackout_ns") == max(later - earlier for earlier, later in pairwise(received))


def test_after_a_false_alarm_the_warm_up_is_held_against_the_rate_before_it() -> None:
    run = observe(small("no-failure", **{"link.bandwidth": "20 Mbit/s"}))
    (takeover,), (detect,) = happened(run.result, "takeover"), happened(run.result, "detect")
    (before,) = (reading for reading in run.result.readings if reading.event == "detect")
    assert before.time_ns == detect.time_ns
    rate_before = before.instructions / before.unprotected_ns
    rate_after = run.cluster.secondary.vm.instructions / (run.result.end_ns - takeover.time_ns)
    assert run.result.values["failover.latency_ns"] is None
    assert (run.result.values["failover.warmup_ns"] is not None) == (rate_after > 0.95 * rate_before > 0)
    assert run.result.values["loss.outputs"] == 0
