"""The names that scripts hold on to: none may go, change, or move."""

from scenarios_for_tests import small

from vmfailover.records.metric_names import DEFINITIONS, METRICS
from vmfailover.simulation import run

CLIENTS = [
    f"client.{phase}{name}"
    for phase in ("", "before.", "across.", "after.")
    for name in (
        "requests",
        "unanswered",
        *(f"latency_{what}{bound}_ns" for what in ("mean", "p50", "p99", "p999") for bound in ("", "_at_least")),
    )
]
FIXED = [
    "failover.latency_ns",
    "failover.detection_ns",
    "failover.fencing_ns",
    "failover.apply_ns",
    "failover.activation_ns",
    "failover.count",
    "failover.false_alarms",
    "failover.warmup_ns",
    "failover.warmup_deficit_ns",
    "failover.cost_ns",
    "exposure.total_ns",
    "exposure.longest_ns",
    "reprotection.count",
    "reprotection.synchronisation_ns",
    "reprotection.stopped_ns",
    "reprotection.bytes",
    "failback.count",
    "failback.latency_ns",
    "failback.blackout_ns",
    "migration.total_ns",
    "migration.downtime_ns",
    "migration.rounds",
    "migration.bytes",
    "migration.converged",
    "client.blackout_ns",
    *CLIENTS,
    "loss.work_ns",
    "loss.outputs",
    "loss.split_brain_ns",
    "loss.split_brain_outputs",
    "loss.diverged_lines",
    "image.consistent",
    "image.mismatched_lines",
    "guest.slowdown",
    "guest.pause_fraction",
    "guest.early_copy_fraction",
    "guest.stall_fraction",
    "guest.fault_fraction",
    "checkpoint.count",
    "checkpoint.pause_p50_ns",
    "checkpoint.pause_p99_ns",
    "checkpoint.period_mean_ns",
    "checkpoint.commit_latency_p50_ns",
    "checkpoint.commit_latency_p99_ns",
    "replication.bytes",
    "replication.lines",
    "replication.bandwidth_bps",
    "replication.amplification",
    "replication.memory_bytes",
    "log.entries",
    "log.castout",
    "log.scan",
    "log.transfer",
    "log.duplicates",
    "log.peak_fill",
    "log.interrupts",
    "log.stall_ns",
    "run.accesses",
    "run.wall_seconds",
    "run.compile_seconds",
    "run.accesses_per_second",
]


def test_every_name_is_there_in_its_order() -> None:
    assert list(METRICS) == FIXED


def test_every_name_says_what_it_means() -> None:
    assert all(METRICS.values())
    assert len(set(METRICS.values())) == len(METRICS)


def test_every_metric_is_defined() -> None:
    assert all(metric.meaning and metric.span for metric in DEFINITIONS.values())


def test_a_metric_without_a_value_says_when() -> None:
    found = [run(small(variant)).values for variant in ("no-failure", "no-clients", "live-precopy", "cold-restart")]
    missing = {name for values in found for name, value in values.items() if value is None}
    assert {name for name in missing if not DEFINITIONS[name].none} == set()


def test_a_run_has_a_value_for_each_name_in_order() -> None:
    assert list(run(small()).values) == FIXED
