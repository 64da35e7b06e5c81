"""Daly's best checkpoint intervals, found by runs of a guest that is checkpointed and whose host crashes.

J. T. Daly, A higher order estimate of the optimum checkpoint interval for restart dumps, Future Generation Computer
Systems 22 (2006). His job writes for 5 minutes after each interval of work, and loses what it has done since. Here a
minute is 100 us: the guest stands still for 500 us at a checkpoint, all else being next to nothing, and its host
crashes at instants that are exponential. What of its work is in a committed checkpoint is read off the run's epochs.
After a restart, a job is as good as new; how long a restart takes does not move the best interval.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from math import exp

import numpy as np
import numpy.typing as npt
import pytest

from vmfailover.engine.streams import generator
from vmfailover.scenario import Scenario
from vmfailover.simulation import run
from vmfailover.studies.objective import Objective
from vmfailover.studies.ranges import Range
from vmfailover.studies.runs import StudyRun
from vmfailover.studies.statistics import statistic
from vmfailover.studies.tuning import search

from .published import RecordProperty, Row, meets, report, scenario, table

MINUTE_NS = 100_000
#: Minutes that the guest stands still at a checkpoint.
DUMP = 5.0
#: By what the table calls them: minutes from one failure to the next, and the best interval.
BEST = {"M=24h": (1440.0, 117.0), "M=6h": (360.0, 57.0), "M=15min": (15.0, 9.1)}
PUBLISHED = {row["inputs"].split()[-1]: row["expected"] for row in table("theory") if row["name"] == "daly_interval"}


@cache
def job() -> Scenario:
    """Return a guest whose checkpoints take what they stop it for, on a host that crashes."""
    free = ("resume", "vcpu_capture", "restore", "redirect")
    return scenario(
        duration="1 s",
        workload={"kind": "idle", "working_set": "4 KiB"},
        hypervisor={"quiesce": f"{DUMP * MINUTE_NS:.0f} ns", "vcpu_state": "0 B", **dict.fromkeys(free, "0 ns")},
        link={"bandwidth": "100 Gbit/s", "latency": "1 us"},
        failures=[{"at": "1 ms", "kind": "host-crash", "target": "primary"}],
        detection={"kind": "hardware"},
        **{
            "vm.memory": "1 MiB",
            "replication.protocol": "page-dirty-bits",
            "replication.page_tracking": {"page": "0 ns", "flush": "0 ns"},
        },
    )


def kept(interval: float, failure: float) -> float:
    """Return the minutes of work that a crash leaves: what the guest did before the last committed checkpoint.

    The job begins as the first checkpoint ends. From one checkpoint's begin to the next one's, the guest stands still,
    and then works for `interval`.
    """
    dump_ns, period_ns = round(DUMP * MINUTE_NS), round((interval + DUMP) * MINUTE_NS)
    failure_ns = period_ns + dump_ns + round(failure * MINUTE_NS)
    crashed = run(
        job().with_(
            duration=f"{failure_ns + MINUTE_NS} ns",
            **{"replication.checkpoint_interval": f"{period_ns} ns", "failures.0.at": f"{failure_ns} ns"},
        ),
        samples=0,
    )
    rows = [row for row in crashed.epoch_rows if 0 <= row.committed_ns <= failure_ns]
    return sum(later.paused_ns - row.resumed_ns for row, later in pairwise(rows)) / MINUTE_NS


def failures(mean: float, n: int, repetition: int) -> npt.NDArray[np.float64]:
    """Return exponential instants, minutes, one from each n-th of the distribution."""
    random = generator(repetition, "validation.daly")
    shares: npt.NDArray[np.float64] = -mean * np.log(1 - (np.arange(n) + random.random(n)) / n)
    return shares


def time_for_work(interval: float, mean: float, n: int, repetition: int) -> float:
    """Return the mean time for a minute of work, without restarts: what passes until crashes, over what they leave."""
    crashes = failures(mean, n, repetition)
    return float(crashes.sum() / sum(kept(interval, failure) for failure in crashes))


@pytest.mark.slow
def test_time_for_work(record_property: RecordProperty) -> None:
    """M (exp((t + d) / M) - 1) / t for intervals t and dumps d: Daly's model without restarts."""
    mean, interval = BEST["M=6h"]
    expected = mean * (exp((interval + DUMP) / mean) - 1) / interval
    found = statistic([time_for_work(interval, mean, 16, repetition) for repetition in range(4)])
    row = meets("interval 57 min, M=6h", expected, found, widest=0.04)
    report("Time for a minute of work, minutes", [row], record_property)


def best_interval(guess: float, mean: float, repetition: int) -> float:
    """Return the lowest point of a parabola through the times at intervals around a guess, which crash alike."""
    logs = np.log(guess) + np.linspace(-0.7, 0.7, 5)
    times = [np.log(time_for_work(float(np.exp(each)), mean, 50, repetition)) for each in logs]
    curve = np.polynomial.Polynomial.fit(logs, times, 2)
    (lowest,) = curve.deriv().roots()
    return float(np.exp(lowest))


@pytest.mark.slow
@pytest.mark.parametrize(("mtbf", "widest"), [("M=24h", 0.05), ("M=6h", 0.05), ("M=15min", 0.12)])
def test_best_interval(mtbf: str, widest: float, record_property: RecordProperty) -> None:
    mean, minutes = BEST[mtbf]
    assert PUBLISHED[mtbf] == f"{minutes:g} min"
    first_order = (2 * DUMP * mean) ** 0.5 - DUMP / 2
    found = statistic([best_interval(first_order, mean, repetition) for repetition in range(4)])
    assert found.mean is not None
    row = Row(f"Daly 2006, {mtbf}", minutes, found.mean, "predicted", 0.06, found, widest)
    report("Best interval, minutes", [row], record_property)


@pytest.mark.slow
def test_tune_finds_the_interval(record_property: RecordProperty) -> None:
    """The search of `tune` over the same runs; the optimum is flat."""
    pytest.importorskip("optuna")
    mean, minutes = BEST["M=15min"]

    def jobs(points: Sequence[Mapping[str, str]], numbers: range) -> list[list[StudyRun]]:
        return [[timed(float(point["minutes"]), number) for number in numbers] for point in points]

    def timed(interval: float, number: int) -> StudyRun:
        return StudyRun("", number, number, {"guest.slowdown": time_for_work(interval, mean, 20, number) - 1})

    ranges, objective = [Range.parse("minutes=2.0:60.0:log")], Objective.parse("guest.slowdown")
    trials = list(search(jobs, ranges, objective, [], 24, 2, seed=1))
    best = min(trials, key=lambda trial: trial.objective.value or 0.0)
    row = Row("Daly 2006, M=15min, by tune", minutes, float(best.point["minutes"]), "predicted", 0.2)
    report("Best interval, minutes", [row], record_property)
