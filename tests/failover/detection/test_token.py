"""Totem: the token's way between two hosts, and who is in the next membership."""

from typing import Any

import pytest
from replication.machinery import LATENCY_NS

from vmfailover.failover.detection.token import Token

from .watch import NEVER, EachOther, Pair

MS = 1_000_000
S = 1000 * MS
TOKEN: dict[str, Any] = {"kind": "token", "token": {"token": "3 s"}}
#: Longer than a message with its answer takes.
ROUND_TRIP_NS = 2 * (LATENCY_NS + 64)


@pytest.mark.parametrize(
    ("members", "token", "runtime_ms", "consensus_ms", "hold_ms"),
    [
        (2, "3 s", 3000, 3600, 561),
        (3, "1 s", 1650, 1980, 303),
        (5, "1 s", 2950, 3540, 551),
        (2, "1 s", 1000, 1200, 180),
    ],
)
def test_timeouts_are_computed_as_corosync_does(
    members: int, token: str, runtime_ms: int, consensus_ms: int, hold_ms: int
) -> None:
    spec = Token.model_validate({"members": members, "token": token})
    assert (spec.timeout_ns, spec.consensus_ns) == (runtime_ms * MS, consensus_ms * MS)
    assert spec.hold_ns == hold_ms * MS


def test_a_timeout_that_is_given_is_not_computed() -> None:
    spec = Token.model_validate({"hold": "180 ms", "consensus": "5 s"})
    assert (spec.hold_ns, spec.consensus_ns) == (180 * MS, 5 * S)


@pytest.mark.parametrize("seed", range(10))
def test_a_crash_takes_the_rest_of_the_token_s_time_and_consensus(seed: int) -> None:
    after_ns = Pair(seed, **TOKEN).after(10 * S, "crash")
    assert 3 * S - 561 * MS - ROUND_TRIP_NS <= after_ns - 3600 * MS <= 3 * S


def test_where_the_token_is_when_a_host_crashes_is_chance() -> None:
    after = {Pair(seed, **TOKEN).after(10 * S, "crash") for seed in range(10)}
    assert len(after) == 10
    assert Pair(3, **TOKEN).after(10 * S, "crash") == Pair(3, **TOKEN).after(10 * S, "crash")


@pytest.mark.parametrize(("host", "seed"), [("primary", 1), ("secondary", 2)])
def test_either_host_is_missed(host: str, seed: int) -> None:
    hosts = EachOther(seed, **TOKEN)
    hosts.env.run(until=10 * S)
    getattr(hosts, host).crash()
    hosts.env.run(until=20 * S)
    assert hosts.declared_ns.keys() == {host}


@pytest.mark.parametrize("ways", [("primary",), ("secondary",), ("primary", "secondary")])
def test_a_ring_that_is_cut_anywhere_is_cut_for_both(ways: tuple[str, ...]) -> None:
    hosts = EachOther(**TOKEN)
    hosts.env.run(until=10 * S)
    for name in ways:
        getattr(hosts, name).out.cut()
    hosts.env.run(until=20 * S)
    first, second = sorted(hosts.declared_ns.values())
    assert second - first <= ROUND_TRIP_NS
    assert first > 10 * S + 6 * S


@pytest.mark.parametrize(("lasts_ms", "declared"), [(2000, 0), (3300, 0), (5000, 0), (5900, 0), (7000, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_a_ring_that_is_whole_again_before_the_membership_forms_is_forgiven(
    lasts_ms: int, declared: int, seed: int
) -> None:
    hosts = EachOther(seed, **TOKEN)
    hosts.env.run(until=10 * S)
    hosts.primary.out.cut()
    hosts.secondary.out.cut()
    hosts.env.run(until=10 * S + lasts_ms * MS)
    hosts.primary.out.restore()
    hosts.secondary.out.restore()
    hosts.env.run(until=60 * S)
    assert len(hosts.declared_ns) == declared
    assert hosts.told.count("suspect") == (0 if lasts_ms == 2000 else 2)
    assert hosts.told.count("forgive") == hosts.told.count("suspect") - declared


@pytest.mark.parametrize("host", ["primary", "secondary"])
def test_after_a_hang_the_two_join_one_membership_and_the_token_goes_on(host: str) -> None:
    hosts = EachOther(**TOKEN)
    hosts.env.run(until=10 * S)
    getattr(hosts, host).freeze()
    hosts.env.run(until=15 * S)
    getattr(hosts, host).thaw()
    hosts.env.run(until=60 * S)
    assert 1 <= hosts.told.count("suspect") == hosts.told.count("forgive") <= 2


def test_a_token_that_is_lost_on_the_way_is_sent_again() -> None:
    hosts = EachOther(**TOKEN)
    for host in (hosts.primary, hosts.secondary):
        host.out.begin_loss(0.05)
    hosts.env.run(until=300 * S)
    assert hosts.primary.out.statistics.lost_datagrams > 10
    assert hosts.told == []


def test_survivors_that_do_not_agree_ask_once_more() -> None:
    def after(seed: int, disagreement: str, reform: str = "7 ms") -> int:
        token = {"members": 3, "token": "1 s", "join": "50 ms", "reform": reform, "disagreement": disagreement}
        return Pair(seed, kind="token", token=token).after(10 * S, "crash")

    later = [after(seed, "50 %") - after(seed, "0 %") for seed in range(30)]
    assert all(each % (50 * MS) == 0 for each in later)
    assert 30 * 20 * MS < sum(later) < 30 * 100 * MS
    assert after(1, "0 %", "9 ms") - after(1, "0 %") == 2 * MS


def test_a_single_survivor_has_nobody_to_agree_with() -> None:
    token = {"token": "1 s", "disagreement": "99 %", "reform": "1 s"}
    assert Pair(kind="token", token=token).after(10 * S, "crash") <= 2200 * MS


def test_a_token_held_for_longer_than_it_may_be_away_is_refused() -> None:
    with pytest.raises(ValueError, match="after which it is lost, or none"):
        Token.model_validate({"token": "1 s", "hold": "1 s"})


def test_nothing_that_is_well_is_declared_dead() -> None:
    hosts = EachOther(preset="corosync-3")
    hosts.env.run(until=500 * S)
    assert hosts.declared_ns == {}
    assert Pair(preset="corosync-3").after(500 * S, "thaw") == NEVER
