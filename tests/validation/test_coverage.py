"""Intervals of replications hold the true value as often as they say, where theory knows it: an M/D/1 queue."""

import math

import pytest
from scenarios_for_tests import small

from vmfailover.scenario import Scenario
from vmfailover.studies.executors import local_processes
from vmfailover.studies.replication import Replications, replicate

#: Guest time for a request, nanoseconds, and the share of it that requests take.
SERVICE_NS = 20_000
LOAD = 0.3
#: Pollaczek and Khinchine, for service that is always the same: the mean time from arrival to answer.
RESPONSE_NS = SERVICE_NS * (1 + LOAD / (2 * (1 - LOAD)))
INTERVALS = 1000
REPLICATIONS = 8


def queue(seed: int) -> Scenario:
    """Return a guest that does nothing but answer, without protection, watched after its queue has filled."""
    return small(
        seed=seed,
        duration="32 ms",
        warm_up="2 ms",
        failures=[],
        workload={"kind": "idle"},
        clients={
            "rate": f"{LOAD / SERVICE_NS * 1e9:.0f} /s",
            "service": f"{SERVICE_NS} ns",
            "latency": "0 ns",
            "retry": "1 s",
        },
        detection={"kind": "hardware"},
        **{"replication.protocol": "cold-restart", "vm.memory": "1 MiB"},
    )


def interval(number: int) -> tuple[float, float]:
    """Return the interval that replications with random numbers of their own give.

    It is open above where a run ended while its slowest request was waiting: the mean is then known from below only.
    """
    from vmfailover.studies.executors import InThisProcess

    seed = 1 + number * REPLICATIONS
    found: Replications = replicate(queue(seed), REPLICATIONS, executor=InThisProcess())
    mean = found.estimate("client.latency_mean_ns")
    assert mean.low is not None
    assert (mean.high is None) == mean.at_least
    return mean.low, math.inf if mean.high is None else mean.high


@pytest.mark.slow
def test_a_thousand_intervals_hold_the_mean_response_time_of_md1() -> None:
    with local_processes(2) as executor:
        intervals = list(executor.map(interval, range(INTERVALS), chunksize=25))
    held = sum(low <= RESPONSE_NS <= high for low, high in intervals)
    assert 0.94 <= held / INTERVALS <= 0.96
    assert sum(math.isinf(high) for _, high in intervals) < 0.01 * INTERVALS
