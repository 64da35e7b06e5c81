"""What a comparison tells, and in which order."""

from collections.abc import Callable
from dataclasses import dataclass

from vmfailover.report.chance import partial_mark
from vmfailover.results.quantities import bit_rate, duration, share, short_count, size, three_digits
from vmfailover.studies.statistics import Statistic


@dataclass(frozen=True, slots=True)
class Row:
    """One metric as people read it; less of it is better."""

    group: str
    label: str
    metric: str
    written: Callable[[float | None], str]

    def mean(self, found: Statistic, runs: int) -> str:
        """Return a mean; where runs were cut off, at least what it is, and marked where some have no part in it."""
        return f"{'≥ ' if found.at_least else ''}{self.written(found.mean)}{partial_mark(found.n, runs)}"

    def signed(self, difference: Statistic, runs: int) -> str:
        """Return a mean difference with its sign and, as far as it is known, half its confidence interval.

        It is marked where some of the runs have no part in it.
        """
        if difference.mean is None:
            return "–"
        mark = partial_mark(difference.n, runs)
        if not difference.mean:
            return f"0{mark}"
        sign = "−" if difference.mean < 0 else "+"
        half_width = f" ±{self.written(difference.half_width)}" if difference.half_width else ""
        return f"{'≥ ' if difference.at_least else ''}{sign}{self.written(abs(difference.mean))}{half_width}{mark}"


def _times(number: float | None) -> str:
    return "–" if number is None else f"{three_digits(number)} ×"


ROWS = (
    Row("failover", "latency", "failover.latency_ns", duration),
    Row("failover", "  detection", "failover.detection_ns", duration),
    Row("failover", "  fencing", "failover.fencing_ns", duration),
    Row("failover", "  apply", "failover.apply_ns", duration),
    Row("failover", "  activation", "failover.activation_ns", duration),
    Row("failover", "warm-up", "failover.warmup_ns", duration),
    Row("failover", "blackout", "client.blackout_ns", duration),
    Row("lost", "work", "loss.work_ns", duration),
    Row("lost", "outputs", "loss.outputs", short_count),
    Row("guest", "slowdown", "guest.slowdown", share),
    Row("guest", "  pauses", "guest.pause_fraction", share),
    Row("guest", "  early copies", "guest.early_copy_fraction", share),
    Row("guest", "  stalls", "guest.stall_fraction", share),
    Row("guest", "  faults", "guest.fault_fraction", share),
    Row("guest", "pause p99", "checkpoint.pause_p99_ns", duration),
    Row("outputs", "commit p50", "checkpoint.commit_latency_p50_ns", duration),
    Row("outputs", "commit p99", "checkpoint.commit_latency_p99_ns", duration),
    Row("outputs", "client p50", "client.latency_p50_ns", duration),
    Row("outputs", "client p99", "client.latency_p99_ns", duration),
    Row("cost", "bandwidth", "replication.bandwidth_bps", bit_rate),
    Row("cost", "amplification", "replication.amplification", _times),
    Row("cost", "memory", "replication.memory_bytes", size),
)
