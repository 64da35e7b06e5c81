"""A full-duplex link between two hosts."""

from collections.abc import Generator
from dataclasses import dataclass, field
from math import nextafter, prod

import numpy as np
import simpy

from vmfailover.hardware.endpoint import Destination, Message
from vmfailover.hardware.token_bucket import TokenBucket
from vmfailover.scenario.network import Link as LinkSpec
from vmfailover.scenario.sizes import transfer_ns

#: What several causes of loss make together at most: some frames get through.
_MOST_LOSS = nextafter(1.0, 0.0)


@dataclass(eq=False)
class Transmission:
    """A message that is under way."""

    message: Message
    to: Destination
    #: When its last bit leaves, and of a stream the last of what comes before it.
    left_ns: int
    #: When its first bit leaves, and when its last one does for the first time.
    leaves_ns: tuple[int, int]
    #: Whether it is part of the reliable stream.
    reliable: bool
    #: Whether it was under way when the channel was cut.
    lost: bool = False


@dataclass
class ChannelStatistics:
    """What one direction of a link has carried."""

    messages: int = 0
    #: Payload of the reliable stream, each byte once.
    stream_bytes: int = 0
    datagram_bytes: int = 0
    #: With framing and retransmissions.
    wire_bytes: int = 0
    busy_ns: int = 0
    retransmitted_frames: int = 0
    lost_datagrams: int = 0


@dataclass(repr=False)
class Channel:
    """One direction: frames leave first in, first out, at the link's bandwidth, and arrive after its latency.

    While it is cut, datagrams are lost, and the reliable stream waits; what of it was under way is then sent again.

    Faults may overlap and end in any order: it is cut as long as one of them cuts it, causes of loss are independent of
    each other, so that a and b together lose 1 - (1 - a)(1 - b) of the frames, and slowdowns multiply.
    """

    env: simpy.Environment
    spec: LinkSpec
    random: np.random.Generator
    statistics: ChannelStatistics = field(default_factory=ChannelStatistics)
    #: Share of the frames that are lost now.
    loss: float = field(init=False)
    #: Times as long as it should that a frame takes to leave now.
    slowdown: float = field(default=1.0, init=False)
    _losses: list[float] = field(default_factory=list)
    _slowdowns: list[float] = field(default_factory=list)
    _busy_until: int = 0
    _last_arrival: int = 0
    _severed_at: int | None = None
    _cuts: int = 0
    _restored: simpy.Event | None = None
    _under_way: list[Transmission] = field(default_factory=list)
    _bucket: TokenBucket | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Begin as the link should be."""
        if self.spec.shaper is not None:
            self._bucket = TokenBucket(self.spec.shaper)
        self._combine()

    def __repr__(self) -> str:
        """Return whether it is cut, and what has left over it."""
        state = "cut, " if self.is_cut else ""
        return f"<Channel: {state}{self.stream_bytes_left} B of the stream have left>"

    def frames(self, payload_bytes: int) -> int:
        """Return the frames that a payload takes."""
        return max(1, -(-payload_bytes // self.spec.mtu))

    def serialisation_ns(self, *payload_bytes: int) -> int:
        """Return the time that payloads, each with its framing, take to leave after what is leaving now."""
        wire_bytes = [self._framed(each) for each in payload_bytes]
        wire_ns = sum(map(self._wire_ns, wire_bytes))
        began = max(self._busy_until, int(self.env.now))
        return wire_ns if self._bucket is None else self._bucket.leaving_ns(sum(wire_bytes), began, wire_ns)

    def _framed(self, payload_bytes: int) -> int:
        return payload_bytes + self.frames(payload_bytes) * self.spec.overhead

    def _wire_ns(self, wire_bytes: int) -> int:
        duration_ns = transfer_ns(wire_bytes * 8, self.spec.bandwidth)
        return duration_ns if self.slowdown == 1 else round(duration_ns * self.slowdown)

    def send(self, message: Message, to: Destination) -> Generator[simpy.Event, None, int]:
        """Queue a message of a reliable, ordered stream; wait for room in the transmit queue and until it has left.

        Lost frames are sent again after the retransmission timeout; what follows in the stream waits for them.
        Returns the instant at which the last bit left.
        """
        while (excess := self._queue_excess_ns()) > 0 or self._restored is not None:
            yield self._restored or self.env.timeout(excess)
        self.statistics.stream_bytes += message.payload_bytes
        left = self._transmit(message, to)
        yield self.env.timeout(left - self.env.now)
        return left

    def _transmit(self, message: Message, to: Destination) -> int:
        payload_bytes = message.payload_bytes
        began, left = self._occupy(self._framed(payload_bytes))
        retransmission_ns = self._retransmit(self.frames(payload_bytes))
        arrival = max(left + retransmission_ns + self.spec.latency, self._last_arrival)
        self._last_arrival = arrival
        whole = arrival - self.spec.latency  # it and all before it in the stream have left
        self._deliver_at(arrival, Transmission(message, to, whole, (began, left), reliable=True))
        return left

    def send_datagram(self, message: Message, to: Destination) -> None:
        """Queue a message that is lost if one of its frames is, or if the transmit queue has no room."""
        payload_bytes = message.payload_bytes
        frames = self.frames(payload_bytes)
        if self._restored is not None or self._queue_excess_ns() > 0 or self.random.binomial(frames, self.loss):
            self.statistics.lost_datagrams += 1
            return
        self.statistics.datagram_bytes += payload_bytes
        began, left = self._occupy(self._framed(payload_bytes))
        transmission = Transmission(message, to, left, (began, left), reliable=False)
        self._deliver_at(left + self.spec.latency, transmission)

    def cut(self) -> None:
        """Let nothing through from now on, until `restore` has been called as often as this."""
        self._cuts += 1
        if self._restored is None:
            self._restored = self.env.event()
        for transmission in self._under_way:
            transmission.lost = True

    def restore(self) -> None:
        """Take back one `cut`; after the last, send again what was lost of the reliable stream, in order."""
        self._cuts -= 1
        if self._cuts or self._restored is None:
            return
        restored, self._restored = self._restored, None
        again = [each for each in self._under_way if each.lost and each.reliable and self._may_arrive(each)]
        self._under_way = [each for each in self._under_way if not each.lost]
        self._busy_until = int(self.env.now)
        for transmission in again:
            self._transmit(transmission.message, transmission.to)
        restored.succeed()

    def begin_loss(self, share: float) -> None:
        """Lose a further share of the frames, below 1, until `end_loss` is called with it."""
        self._losses.append(share)
        self._combine()

    def end_loss(self, share: float) -> None:
        """Take back one `begin_loss` of this share."""
        self._losses.remove(share)
        self._combine()

    def begin_slowdown(self, factor: float) -> None:
        """Let every frame take `factor` times as long as it would, until `end_slowdown` is called with it."""
        self._slowdowns.append(factor)
        self._combine()

    def end_slowdown(self, factor: float) -> None:
        """Take back one `begin_slowdown` of this factor."""
        self._slowdowns.remove(factor)
        self._combine()

    def _combine(self) -> None:
        self.loss, self.slowdown = self.spec.loss, prod(self._slowdowns, start=1.0)
        for share in self._losses:
            self.loss = min(self.loss + share * (1 - self.loss), _MOST_LOSS)

    @property
    def occupied_ns(self) -> int:
        """Time for which something has been leaving by now; `statistics.busy_ns` has what is queued, too."""
        return self.statistics.busy_ns - max(0, self._busy_until - int(self.env.now))

    @property
    def stream_bytes_left(self) -> int:
        """Payload of the reliable stream that has left by now, each byte once; the rest waits to leave."""
        return self.statistics.stream_bytes - sum(self._waiting_bytes(each) for each in self._under_way)

    def _waiting_bytes(self, transmission: Transmission) -> int:
        """Return the payload of a message that has not left yet, rounded up to whole bytes."""
        began, left = transmission.leaves_ns
        waits_ns = left - max(int(self.env.now), began)
        if not transmission.reliable or waits_ns <= 0:
            return 0
        return -(-transmission.message.payload_bytes * waits_ns // (left - began))

    @property
    def silent_from_ns(self) -> int:
        """When the last of what will arrive has arrived, unless more is sent, or sent again."""
        severed_at = self._busy_until if self._severed_at is None else self._severed_at
        return min(self._busy_until, severed_at) + self.spec.latency

    @property
    def is_cut(self) -> bool:
        """Whether it lets nothing through."""
        return self._restored is not None

    @property
    def severed(self) -> bool:
        """Whether nothing leaves any more, its host having crashed."""
        return self._severed_at is not None

    def sever(self) -> None:
        """Lose everything that has not left by now, and all that is sent later."""
        self._severed_at = int(self.env.now)

    def reconnect(self) -> None:
        """Carry messages again after `sever`, beginning with no message under way."""
        self._severed_at = None
        self._busy_until = int(self.env.now)
        for transmission in self._under_way:
            transmission.lost = True
        self._under_way.clear()

    def _queue_excess_ns(self) -> int:
        return self._busy_until - int(self.env.now) - self._queue_ns

    @property
    def _queue_ns(self) -> int:
        """Time in which a full transmit queue leaves."""
        wire_ns, shaper = self._wire_ns(self.spec.queue), self.spec.shaper
        return wire_ns if shaper is None else max(wire_ns, transfer_ns(8 * self.spec.queue, shaper.rate))

    def _occupy(self, wire_bytes: int) -> tuple[int, int]:
        """Return when the first bit leaves, and when the last does."""
        began = max(self._busy_until, int(self.env.now))
        duration = self._take(wire_bytes, began)
        self._busy_until = began + duration
        self.statistics.messages += 1
        self.statistics.wire_bytes += wire_bytes
        self.statistics.busy_ns += duration
        return began, self._busy_until

    def _take(self, wire_bytes: int, began_ns: int) -> int:
        """Return how long bytes take to leave that begin to at an instant, and take their tokens."""
        wire_ns = self._wire_ns(wire_bytes)
        return wire_ns if self._bucket is None else self._bucket.take(wire_bytes, began_ns, wire_ns)

    def _retransmit(self, frames: int) -> int:
        """Send lost frames again until none is lost; return how much later the message is whole.

        Each frame is sent until it arrives; those that are lost together are sent again together.
        """
        if not self.loss:
            return 0
        again = self.random.geometric(1 - self.loss, frames) - 1
        lost, rounds = int(again.sum()), int(again.max())
        wire_bytes = lost * (self.spec.mtu + self.spec.overhead)
        wire_ns = self._take(wire_bytes, self._busy_until)
        self._busy_until += wire_ns
        self.statistics.busy_ns += wire_ns
        self.statistics.wire_bytes += wire_bytes
        self.statistics.retransmitted_frames += lost
        return rounds * self.spec.retransmission_timeout + wire_ns

    def _may_arrive(self, transmission: Transmission) -> bool:
        return self._severed_at is None or transmission.left_ns <= self._severed_at

    def _deliver_at(self, arrival: int, transmission: Transmission) -> None:
        self._under_way.append(transmission)

        def arrive(_: simpy.Event) -> None:
            if transmission.lost:
                return
            self._under_way.remove(transmission)
            if self._may_arrive(transmission):
                transmission.to.receive(transmission.message)

        event = self.env.timeout(arrival - self.env.now)
        assert event.callbacks is not None
        event.callbacks.append(arrive)


@dataclass(frozen=True, slots=True)
class Link:
    """Two channels, one in each direction, that share nothing but their parameters."""

    #: From the primary to the secondary.
    forward: Channel
    #: From the secondary to the primary.
    backward: Channel

    @property
    def turned(self) -> "Link":
        """The same link as the other host sees it."""
        return Link(self.backward, self.forward)

    def reconnect(self) -> None:
        """Forget all that is under way."""
        self.forward.reconnect()
        self.backward.reconnect()
