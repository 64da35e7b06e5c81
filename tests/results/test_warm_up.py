"""Warm-up: from the takeover until the guest keeps 95 % of its earlier rate for a millisecond."""

from typing import Any

import pytest
import simpy
from scenarios_for_tests import small

from vmfailover.cluster import Cluster
from vmfailover.hardware.cache import kernel
from vmfailover.journal import Event
from vmfailover.results.progress import RECOVERED, STEP_NS, WINDOW_NS, RateSampler


def run(variant: str = "base", **overrides: object) -> tuple[RateSampler, list[int], float]:
    """Run a scenario; return its sampler, the instructions every step after the takeover, and the rate before."""
    env = simpy.Environment()
    scenario = small(variant, **overrides)
    cluster = Cluster(env, scenario, kernel, 1 << 20)
    sampler = RateSampler(env, cluster)
    samples: list[int] = []
    rates: list[float] = []

    def sample() -> Any:
        while True:
            samples.append(cluster.secondary.vm.instructions)
            yield env.timeout(STEP_NS)

    def begin(_: Event) -> None:
        env.process(sample())

    def note(failure: Event) -> None:
        rates.append(cluster.primary.vm.instructions / failure.time_ns)

    cluster.journal.on("failure", note)
    cluster.journal.on("takeover", begin)
    env.run(until=scenario.duration)
    return sampler, samples, rates[0] if rates else 0.0


def by_definition(samples: list[int], rate: float) -> int | None:
    """Return the first step at which a window begins that has 95 % of the rate."""
    width = WINDOW_NS // STEP_NS
    for step in range(len(samples) - width):
        if samples[step + width] - samples[step] >= RECOVERED * rate * WINDOW_NS:
            return step * STEP_NS
    return None


@pytest.mark.parametrize("clock", ["2.5 GHz", "3 GHz", "3.5 GHz", "7 GHz"])
def test_the_guest_is_back_when_a_window_has_its_earlier_rate(clock: str) -> None:
    sampler, samples, rate = run(**{"hosts.secondary.clock": clock})
    assert len(samples) > 2 * WINDOW_NS // STEP_NS
    assert sampler.warmup_ns == by_definition(samples, rate)


def test_a_faster_host_needs_no_time() -> None:
    assert run(**{"hosts.secondary.clock": "7 GHz"})[0].warmup_ns == 0


def test_a_slower_host_is_never_back() -> None:
    assert run(**{"hosts.secondary.clock": "1 GHz"})[0].warmup_ns is None


def test_cold_caches_take_time() -> None:
    hot = {"kind": "zipf", "working_set": "256 KiB", "store_fraction": "0 %", "instructions_per_access": 2.0}
    memory = {"latency": "20 us"}
    hosts = {f"hosts.{name}.memory": memory for name in ("primary", "secondary")}
    warmup = run("no-clients", workload=hot, duration="30 ms", **hosts)[0].warmup_ns
    assert warmup is not None
    assert warmup >= STEP_NS


def test_without_a_takeover_there_is_nothing_to_measure() -> None:
    assert run("no-failure")[0].warmup_ns is None


def test_a_run_that_ends_too_early_does_not_say() -> None:
    assert run(duration="8900 us")[0].warmup_ns is None
