"""The link: how long a message takes, in which order messages arrive, and what is lost."""

from fractions import Fraction
from math import ceil, sqrt
from typing import Any

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st
from messages_for_tests import Mailbox, Parcel

from vmfailover.hardware.link import Channel, Link
from vmfailover.scenario.network import Link as LinkSpec

#: A byte takes a nanosecond.
BYTE_A_NS = {"bandwidth": "8 Gbit/s", "latency": "500 ns", "mtu": "1000 B", "overhead": "100 B"}
LATENCY = 500
FRAME = 1100
EXAMPLES = settings(derandomize=True, deadline=None, max_examples=60)


def link_spec(**keys: Any) -> LinkSpec:
    return LinkSpec.model_validate({**BYTE_A_NS, **keys})


class Wire:
    """One direction of a link, and what has come out of it: (message, instant)."""

    def __init__(self, seed: int = 1, **keys: Any) -> None:
        self.env = simpy.Environment()
        self.channel = Channel(self.env, link_spec(**keys), np.random.default_rng(seed))
        self._mailbox = Mailbox(self.env)
        self.left: list[int] = []

    def send(self, payloads: list[int]) -> None:
        """Send messages of an ordered stream, all at once."""
        for number, payload in enumerate(payloads):
            self.env.process(self._send(number, payload))

    def _send(self, number: int, payload: int) -> Any:
        left = yield from self.channel.send(Parcel(payload, number), self._mailbox)
        assert left == self.env.now
        self.left.append(left)

    def datagram(self, number: int = 0, payload: int = 1000) -> None:
        self.channel.send_datagram(Parcel(payload, number), self._mailbox)

    @property
    def arrived(self) -> list[tuple[int, int]]:
        return [(message.number, instant) for message, instant in self._mailbox.arrived]


@EXAMPLES
@given(
    payload=st.integers(0, 10**7),
    mtu=st.integers(128, 9000),
    overhead=st.integers(0, 200),
    megabits=st.integers(1, 400_000),
)
def test_serialisation_counts_the_frames(payload: int, mtu: int, overhead: int, megabits: int) -> None:
    wire = Wire(bandwidth=f"{megabits} Mbit/s", mtu=f"{mtu} B", overhead=f"{overhead} B")
    frames = max(1, -(-payload // mtu))
    assert wire.channel.frames(payload) == frames
    nanoseconds = Fraction((payload + frames * overhead) * 8 * 1000, megabits)
    assert wire.channel.serialisation_ns(payload) == ceil(nanoseconds)


def test_a_message_arrives_after_serialisation_and_latency() -> None:
    wire = Wire()
    wire.send([2500])
    wire.env.run()
    assert wire.left == [2500 + 3 * 100]
    assert wire.arrived == [(0, 2800 + LATENCY)]


def test_messages_leave_first_in_first_out_one_after_the_other() -> None:
    wire = Wire()
    wire.send([1000, 0, 400])
    wire.env.run()
    assert wire.left == [1100, 1200, 1700]
    assert wire.arrived == [(0, 1100 + LATENCY), (1, 1200 + LATENCY), (2, 1700 + LATENCY)]


def test_a_message_after_a_silence_waits_for_nothing() -> None:
    wire = Wire()
    wire.send([0])
    wire.env.run(until=10_000)
    wire.send([0])
    wire.env.run()
    assert wire.left == [100, 10_100]


#: Half of the link's bandwidth, after 2000 bytes.
SHAPED: dict[str, Any] = {"shaper": {"rate": "4 Gbit/s", "burst": "2000 B"}}


def test_a_shaped_link_lets_a_burst_pass_and_then_keeps_to_its_rate() -> None:
    wire = Wire(**SHAPED)
    expected_ns = wire.channel.serialisation_ns(*[900] * 6)
    wire.send([900] * 6)
    wire.env.run()
    assert wire.left == [1000, 2000, 3000, 4000, 6000, 8000]
    assert wire.left[-1] == expected_ns == wire.channel.statistics.busy_ns


def test_the_queue_of_a_shaped_link_holds_as_many_bytes() -> None:
    """What is queued leaves more slowly, and a datagram finds room all the same."""
    wire = Wire(queue="5000 B", **SHAPED)
    wire.send([900] * 6)
    wire.env.run(until=1)
    wire.datagram(number=9)
    assert wire.channel.statistics.lost_datagrams == 0


def test_frames_sent_again_take_tokens_too() -> None:
    whole, lossy = (Wire(loss=loss, retransmission_timeout="1 ns", **SHAPED) for loss in ("0 %", "50 %"))
    for wire in (whole, lossy):
        wire.send([20_000])
        wire.env.run()
    again = lossy.channel.statistics.retransmitted_frames
    assert again
    assert lossy.channel.statistics.busy_ns - whole.channel.statistics.busy_ns == 2 * again * FRAME


def test_a_sender_waits_for_room_in_the_queue() -> None:
    wire = Wire(queue="1500 B")
    taken: list[int] = []

    def send_all() -> Any:
        for _ in range(2):
            wire.env.process(wire.channel.send(Parcel(1000), Mailbox(wire.env)))
        yield wire.env.timeout(0)
        process = wire.env.process(wire.channel.send(Parcel(1000), Mailbox(wire.env)))
        while wire.channel.statistics.messages < 3:
            yield wire.env.timeout(1)
        taken.append(int(wire.env.now))
        yield process

    wire.env.run(wire.env.process(send_all()))
    assert taken == [pytest.approx(2 * FRAME - 1500, abs=1)]
    assert wire.env.now == 3 * FRAME


@EXAMPLES
@given(payloads=st.lists(st.integers(0, 3000), max_size=20), queue=st.integers(1, 4000))
def test_back_pressure_changes_neither_order_nor_throughput(payloads: list[int], queue: int) -> None:
    narrow, wide = Wire(queue=f"{queue} B"), Wire(queue="1 MB")
    for wire in (narrow, wide):
        wire.send(payloads)
        wire.env.run()
    assert narrow.arrived == wide.arrived
    assert [number for number, _ in wide.arrived] == list(range(len(payloads)))


@EXAMPLES
@given(
    payloads=st.lists(st.integers(0, 5000), max_size=20),
    percent=st.integers(0, 60),
    queue=st.integers(1, 10_000),
    seed=st.integers(0, 2**32),
)
def test_a_lossy_stream_delivers_everything_once_and_in_order(
    payloads: list[int], percent: int, queue: int, seed: int
) -> None:
    wire = Wire(seed, loss=f"{percent} %", queue=f"{queue} B", retransmission_timeout="10 us")
    wire.send(payloads)
    wire.env.run()
    assert [number for number, _ in wire.arrived] == list(range(len(payloads)))
    statistics = wire.channel.statistics
    first_time = sum(payload + wire.channel.frames(payload) * 100 for payload in payloads)
    assert statistics.stream_bytes == sum(payloads)
    assert statistics.messages == len(payloads)
    assert statistics.wire_bytes == first_time + statistics.retransmitted_frames * FRAME
    assert statistics.busy_ns == statistics.wire_bytes


def test_what_follows_a_lost_frame_waits_for_it() -> None:
    wire = Wire(seed=3, loss="50 %", retransmission_timeout="1 ms")
    wire.send([1000] * 8)
    wire.env.run()
    instants = [instant for _, instant in wire.arrived]
    assert instants == sorted(instants)
    assert min(instants) < 1_000_000 < max(instants)
    assert len(set(instants)) < len(instants)


def test_every_round_of_retransmission_takes_the_timeout() -> None:
    wire = Wire(seed=3, loss="50 %", retransmission_timeout="1 ms")
    wire.send([10_000])
    wire.env.run()
    statistics = wire.channel.statistics
    delay = wire.arrived[0][1] - LATENCY - statistics.busy_ns
    assert statistics.retransmitted_frames > 0
    assert delay >= 1_000_000
    assert delay % 1_000_000 == 0


def test_frames_are_lost_as_often_as_the_scenario_says() -> None:
    frames, loss = 20_000, 0.1
    wire = Wire(loss="10 %", retransmission_timeout="1 us")
    wire.send([frames * 1000])
    wire.env.run()
    expected, deviation = frames * loss / (1 - loss), sqrt(frames * loss) / (1 - loss)
    assert abs(wire.channel.statistics.retransmitted_frames - expected) < 5 * deviation


@pytest.mark.parametrize("frames", [1, 3])
def test_a_datagram_is_lost_with_any_of_its_frames(frames: int) -> None:
    count, probability = 5000, 1 - 0.9**frames
    wire = Wire(loss="10 %", queue="1 GB")
    for number in range(count):
        wire.datagram(number, frames * 1000)
    wire.env.run()
    lost = wire.channel.statistics.lost_datagrams
    assert abs(lost - count * probability) < 5 * sqrt(count * probability * (1 - probability))
    assert len(wire.arrived) == count - lost
    assert wire.channel.statistics.datagram_bytes == (count - lost) * frames * 1000


def test_a_datagram_finds_no_room_behind_a_full_queue() -> None:
    wire = Wire(queue="1000 B")
    for number in range(3):
        wire.datagram(number)
    wire.env.run()
    assert wire.arrived == [(0, FRAME + LATENCY)]
    assert wire.channel.statistics.lost_datagrams == 2
    wire.datagram(3)
    wire.env.run()
    assert [number for number, _ in wire.arrived] == [0, 3]


def test_a_datagram_waits_behind_the_stream_but_not_for_its_lost_frames() -> None:
    wire = Wire(seed=3, loss="50 %", retransmission_timeout="1 ms")
    wire.send([10_000])
    wire.env.run(until=1)
    while wire.channel.statistics.datagram_bytes == 0:
        wire.datagram(1)
    wire.env.run()
    (first, early), (second, late) = wire.arrived
    assert (first, second) == (1, 0)
    assert 11_000 < early < 1_000_000 < late


@pytest.mark.parametrize(("severed_ns", "arrived"), [(1099, []), (1100, [0]), (2199, [0]), (2200, [0, 1])])
def test_a_severed_channel_delivers_only_what_has_left(severed_ns: int, arrived: list[int]) -> None:
    wire = Wire()
    wire.send([1000, 1000, 1000])
    wire.env.run(until=severed_ns)
    wire.channel.sever()
    wire.env.run()
    assert [number for number, _ in wire.arrived] == arrived


@EXAMPLES
@given(seed=st.integers(0, 50), severed_ns=st.integers(1, 60_000))
def test_a_stream_whose_sender_is_gone_ends_where_it_has_a_hole(seed: int, severed_ns: int) -> None:
    """Nobody repeats a message that was lost, so nothing that was sent after it is delivered either."""
    wire = Wire(seed, loss="30 %", retransmission_timeout="7 us")
    wire.send([1000] * 20)
    wire.env.run(until=severed_ns)
    wire.channel.sever()
    wire.env.run()
    assert [number for number, _ in wire.arrived] == list(range(len(wire.arrived)))


def test_nothing_is_sent_over_a_severed_channel() -> None:
    wire = Wire()
    wire.channel.sever()
    wire.env.run(until=1000)
    wire.send([10])
    wire.datagram()
    wire.env.run()
    assert wire.arrived == []


def test_the_two_directions_share_nothing() -> None:
    env = simpy.Environment()
    spec = link_spec(loss="30 %")
    link = Link(*(Channel(env, spec, np.random.default_rng(seed)) for seed in (1, 2)))
    there, here = Mailbox(env), Mailbox(env)
    env.process(link.forward.send(Parcel(100_000), there))
    link.backward.send_datagram(Parcel(0), here)
    link.forward.sever()
    env.run()
    assert (there.instants, here.instants) == ([], [100 + LATENCY])
    assert link.backward.statistics.wire_bytes == 100


# Cuts.


def cut(wire: Wire, cuts: list[tuple[int, int]]) -> None:
    """Cut a wire for some spans, (instant, length), which may overlap."""

    def for_a_while(at: int, length: int) -> Any:
        yield wire.env.timeout(at)
        wire.channel.cut()
        yield wire.env.timeout(length)
        wire.channel.restore()

    for at, length in cuts:
        wire.env.process(for_a_while(at, length))


@EXAMPLES
@given(
    payloads=st.lists(st.integers(0, 5000), min_size=1, max_size=12),
    cuts=st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 9000)), max_size=5),
    loss=st.sampled_from(["0 %", "20 %"]),
)
def test_a_cut_loses_nothing_of_the_stream_and_keeps_its_order(
    payloads: list[int], cuts: list[tuple[int, int]], loss: str
) -> None:
    wire = Wire(loss=loss, retransmission_timeout="700 ns")
    wire.send(payloads)
    cut(wire, cuts)
    wire.env.run()
    assert [number for number, _ in wire.arrived] == list(range(len(payloads)))
    assert len(wire.left) == len(payloads)
    assert all(not at < instant < at + length for _, instant in wire.arrived for at, length in cuts)


def test_what_was_under_way_is_sent_again_when_the_link_is_back() -> None:
    wire = Wire()
    wire.send([1000])
    cut(wire, [(FRAME + LATENCY - 1, 5000)])
    wire.env.run()
    assert wire.arrived == [(0, FRAME + LATENCY - 1 + 5000 + FRAME + LATENCY)]


def test_datagrams_are_lost_in_a_cut() -> None:
    wire = Wire()
    cut(wire, [(100, 50)])
    wire.datagram(0)
    wire.env.run(until=120)
    wire.datagram(1)
    wire.env.run(until=200)
    wire.datagram(2)
    wire.env.run()
    assert [number for number, _ in wire.arrived] == [2]
    assert wire.channel.statistics.lost_datagrams == 1


def test_a_host_that_died_during_a_cut_sends_nothing_again() -> None:
    wire = Wire()
    wire.send([1000, 1000, 1000])
    cut(wire, [(FRAME + 1, 5000)])
    wire.env.run(until=FRAME + 2)
    wire.channel.sever()
    wire.env.run()
    assert wire.arrived == []


def test_a_slow_link_takes_longer() -> None:
    wire = Wire()
    wire.channel.begin_slowdown(3.0)
    wire.send([1000])
    wire.env.run()
    assert wire.arrived == [(0, 3 * FRAME + LATENCY)]


# Connected anew.


def test_a_severed_channel_carries_messages_again_and_forgets_those_under_way() -> None:
    wire = Wire()
    wire.send([10, 10])
    wire.env.run(until=1)
    wire.channel.sever()
    wire.channel.reconnect()
    wire.env.run()
    assert wire.arrived == []
    wire.datagram()
    wire.env.run()
    assert len(wire.arrived) == 1


def test_both_ways_of_a_link_forget_what_was_under_way() -> None:
    env = simpy.Environment()
    link = Link(*(Channel(env, link_spec(), np.random.default_rng(seed)) for seed in (1, 2)))
    mailbox = Mailbox(env)
    for channel in (link.forward, link.backward):
        channel.send_datagram(Parcel(10, 1), mailbox)
    link.reconnect()
    env.run()
    assert mailbox.arrived == []


def test_the_other_host_sees_the_link_turned() -> None:
    env = simpy.Environment()
    link = Link(*(Channel(env, link_spec(), np.random.default_rng(seed)) for seed in (1, 2)))
    assert link.turned.forward is link.backward
    assert link.turned.turned == link


def test_a_link_that_loses_nearly_everything_is_slow_and_not_endless() -> None:
    wire = Wire(loss="99.99999 %", retransmission_timeout="1 us")
    wire.send([20_000])
    wire.env.run()
    assert [number for number, _ in wire.arrived] == [0]
    assert wire.channel.statistics.retransmitted_frames > 10**6
