"""Pairs of hosts: what they cost the VM in any case, and in cases that can be reckoned otherwise."""

from dataclasses import replace
from itertools import accumulate, chain, takewhile
from math import gamma

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.engine.streams import generator
from vmfailover.studies.host_pair import HostPair, Life, live

SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)
HOUR_NS = 3600 * 10**9
PAIR = HostPair(
    1000 * HOUR_NS, 40 * HOUR_NS, failovers_ns=(10**9,), resynchronisation_ns=HOUR_NS, restart_ns=60 * 10**9
)
TIME_NS = 500_000 * HOUR_NS

hours = st.integers(1, 2000).map(lambda number: number * HOUR_NS)
seconds = st.integers(0, 100_000).map(lambda number: number * 10**9)
pairs = st.builds(
    HostPair,
    mttf_ns=hours,
    mttr_ns=hours,
    failovers_ns=st.lists(seconds, min_size=1, max_size=3).map(tuple),
    resynchronisation_ns=seconds,
    restart_ns=seconds,
    one_crew=st.booleans(),
    weibull_shape=st.sampled_from([0.7, 1.0, 3.0]),
)


def downs(seed: int, host: int, pair: HostPair) -> list[tuple[int, int]]:
    """Return from when to when a host is down, from the same random numbers."""
    life, repair = (generator(seed, f"availability.{name}.{host}.0") for name in ("lifetime", "repair"))
    scale = pair.mttf_ns / gamma(1 + 1 / pair.weibull_shape)
    lives = map(int, (life.weibull(pair.weibull_shape, 4096) * scale).tolist())
    repairs = map(int, (repair.weibull(1.0, 4096) * pair.mttr_ns).tolist())
    instants = list(accumulate(chain.from_iterable(zip(lives, repairs, strict=True))))
    return list(zip(instants[::2], instants[1::2], strict=True))


def both_down_ns(seed: int, pair: HostPair, time_ns: int) -> int:
    first, second = (list(takewhile(lambda down: down[0] < time_ns, downs(seed, host, pair))) for host in range(2))
    overlaps = (min(end, until, time_ns) - max(begin, since) for begin, end in first for since, until in second)
    return sum(overlap for overlap in overlaps if overlap > 0)


@pytest.mark.parametrize("shape", [0.7, 1.0, 3.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_without_costs_the_vm_is_down_while_both_hosts_are(seed: int, shape: float) -> None:
    pair = HostPair(100 * HOUR_NS, 40 * HOUR_NS, failovers_ns=(0,), weibull_shape=shape)
    life = live(pair, 20_000 * HOUR_NS, seed)
    assert life.outage_ns == both_down_ns(seed, pair, 20_000 * HOUR_NS) > 0
    assert life.failover_ns == 0


@given(pair=pairs, seed=st.integers(0, 2**32))
@SETTINGS
def test_no_part_is_negative_or_longer_than_the_whole(pair: HostPair, seed: int) -> None:
    life = live(pair, 20_000 * HOUR_NS, seed)
    assert life.failover_ns >= 0
    assert life.outage_ns >= 0
    assert life.failover_ns + life.outage_ns == life.downtime_ns <= life.exposure_ns <= life.time_ns
    assert life.failovers + life.outages <= life.failures


@given(pair=pairs, seed=st.integers(0, 2**32), shares=st.tuples(st.floats(0, 1), st.floats(0, 1)))
@SETTINGS
def test_a_longer_life_goes_on_from_a_shorter_one(pair: HostPair, seed: int, shares: tuple[float, float]) -> None:
    short, long = (live(pair, int(share * 20_000 * HOUR_NS), seed) for share in sorted(shares))
    for name in ("failures", "failovers", "outages", "downtime_ns", "exposure_ns"):
        assert getattr(short, name) <= getattr(long, name)


@given(seed=st.integers(0, 2**32), crew=st.booleans(), more=st.integers(4, 10))
@SETTINGS
def test_longer_repairs_never_help(seed: int, crew: bool, more: int) -> None:
    pair = replace(PAIR, one_crew=crew)
    slow = live(replace(pair, mttr_ns=more * pair.mttr_ns), TIME_NS, seed)
    fast = live(pair, TIME_NS, seed)
    assert slow.downtime_ns > fast.downtime_ns
    assert slow.exposure_ns > fast.exposure_ns


@given(seed=st.integers(0, 2**32), longer_ns=seconds)
@SETTINGS
def test_longer_failovers_restarts_and_resynchronisations_never_help(seed: int, longer_ns: int) -> None:
    base = live(PAIR, TIME_NS, seed)
    failovers = live(replace(PAIR, failovers_ns=(10**9 + min(longer_ns, 50 * 10**9),)), TIME_NS, seed)
    restarts = live(replace(PAIR, restart_ns=PAIR.restart_ns + longer_ns), TIME_NS, seed)
    copies = live(replace(PAIR, resynchronisation_ns=PAIR.resynchronisation_ns + longer_ns), TIME_NS, seed)
    assert base.failures == failovers.failures == restarts.failures == copies.failures
    assert failovers.failover_ns >= base.failover_ns
    assert restarts.outage_ns >= base.outage_ns
    assert copies.exposure_ns >= base.exposure_ns
    assert copies.outages >= base.outages


def test_one_crew_is_worse_than_two() -> None:
    two, one = (live(replace(PAIR, one_crew=crew), 20 * TIME_NS, seed=1) for crew in (False, True))
    assert one.outage_ns > 1.5 * two.outage_ns


def test_the_same_seed_gives_the_same_life_and_another_number_another() -> None:
    assert live(PAIR, TIME_NS, 1) == live(PAIR, TIME_NS, 1)
    assert len({live(PAIR, TIME_NS, 1), live(PAIR, TIME_NS, 2), live(PAIR, TIME_NS, 1, 1)}) == 3


@pytest.mark.parametrize("shape", [0.7, 1.0, 3.0])
def test_the_mean_time_to_failure_is_that_of_any_shape(shape: float) -> None:
    life = live(replace(PAIR, weibull_shape=shape), 20 * TIME_NS, seed=1)
    assert life.failures == pytest.approx(2 * 20 * TIME_NS / (PAIR.mttf_ns + PAIR.mttr_ns), rel=0.02)


def test_half_of_the_failures_hit_the_active_host() -> None:
    life = live(PAIR, 20 * TIME_NS, seed=1)
    assert (life.failovers + life.outages) / life.failures == pytest.approx(0.5, abs=0.03)


def short_lived(resynchronisation_ns: int = 0, restart_ns: int = 0) -> Life:
    """Return the life of hosts that fail every hour, and are repaired in no time."""
    pair = HostPair(HOUR_NS, 1, (10**9,), resynchronisation_ns, restart_ns)
    return live(pair, 1000 * HOUR_NS, seed=1)


def test_a_failure_during_resynchronisation_is_a_restart_on_the_other_host() -> None:
    never = short_lived(resynchronisation_ns=10**9 * HOUR_NS, restart_ns=10**9)
    assert never.failovers <= 1
    assert never.outage_ns == pytest.approx(never.outages * 10**9, rel=0.01)
    assert never.exposure_ns > 0.99 * never.time_ns


def test_without_resynchronisation_each_failure_of_the_active_host_is_a_failover() -> None:
    at_once = short_lived()
    assert at_once.outages <= 2
    assert at_once.failover_ns == pytest.approx(at_once.failovers * 10**9, rel=0.01)
