"""A full-duplex link between two hosts."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import numpy as np
import simpy

from vmfailover.scenario.network import Link as LinkSpec

Deliver = Callable[[], None]


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


@dataclass
class Channel:
    """One direction: frames leave first in, first out, at the link's bandwidth, and arrive after its latency."""

    env: simpy.Environment
    spec: LinkSpec
    random: np.random.Generator
    statistics: ChannelStatistics = field(default_factory=ChannelStatistics)
    _busy_until: int = 0
    _last_arrival: int = 0
    _severed_at: int | None = None

    def frames(self, payload_bytes: int) -> int:
        """Return the frames that a payload takes."""
        return max(1, -(-payload_bytes // self.spec.mtu))

    def serialisation_ns(self, payload_bytes: int) -> int:
        """Return the time a payload with its framing occupies the wire."""
        return self._wire_ns(payload_bytes + self.frames(payload_bytes) * self.spec.overhead)

    def _wire_ns(self, wire_bytes: int) -> int:
        return -(-wire_bytes * 8 * 10**9 // self.spec.bandwidth)

    def send(self, payload_bytes: int, deliver: Deliver) -> Generator[simpy.Event, None, int]:
        """Queue a message of a reliable, ordered stream; wait for room in the transmit queue and until it has left.

        Lost frames are sent again after the retransmission timeout; what follows in the stream waits for them.
        `deliver` is called on arrival. Returns the instant at which the last bit left.
        """
        while (excess := self._queue_excess_ns()) > 0:
            yield self.env.timeout(excess)
        self.statistics.stream_bytes += payload_bytes
        left = self._occupy(payload_bytes + self.frames(payload_bytes) * self.spec.overhead)
        retransmission_ns = self._retransmit(self.frames(payload_bytes))
        arrival = max(left + retransmission_ns + self.spec.latency, self._last_arrival)
        self._last_arrival = arrival
        self._deliver_at(arrival, left + retransmission_ns, deliver)
        yield self.env.timeout(left - self.env.now)
        return left

    def send_datagram(self, payload_bytes: int, deliver: Deliver) -> None:
        """Queue a message that is lost if one of its frames is, or if the transmit queue has no room."""
        frames = self.frames(payload_bytes)
        if self._queue_excess_ns() > 0 or self.random.binomial(frames, self.spec.loss):
            self.statistics.lost_datagrams += 1
            return
        self.statistics.datagram_bytes += payload_bytes
        left = self._occupy(payload_bytes + frames * self.spec.overhead)
        self._deliver_at(left + self.spec.latency, left, deliver)

    def sever(self) -> None:
        """Lose everything that has not left by now, and all that is sent later."""
        self._severed_at = int(self.env.now)

    def _queue_excess_ns(self) -> int:
        return self._busy_until - int(self.env.now) - self._wire_ns(self.spec.queue)

    def _occupy(self, wire_bytes: int) -> int:
        duration = self._wire_ns(wire_bytes)
        self._busy_until = max(self._busy_until, int(self.env.now)) + duration
        self.statistics.messages += 1
        self.statistics.wire_bytes += wire_bytes
        self.statistics.busy_ns += duration
        return self._busy_until

    def _retransmit(self, frames: int) -> int:
        """Send lost frames again until none is lost; return how much later the message is whole."""
        delay = 0
        lost = int(self.random.binomial(frames, self.spec.loss))
        while lost:
            wire_bytes = lost * (self.spec.mtu + self.spec.overhead)
            delay += self.spec.retransmission_timeout + self._wire_ns(wire_bytes)
            self._busy_until += self._wire_ns(wire_bytes)
            self.statistics.busy_ns += self._wire_ns(wire_bytes)
            self.statistics.wire_bytes += wire_bytes
            self.statistics.retransmitted_frames += lost
            lost = int(self.random.binomial(lost, self.spec.loss))
        return delay

    def _deliver_at(self, arrival: int, left: int, deliver: Deliver) -> None:
        def arrive(_: simpy.Event) -> None:
            if self._severed_at is None or left <= self._severed_at:
                deliver()

        event = self.env.timeout(arrival - self.env.now)
        assert event.callbacks is not None
        event.callbacks.append(arrive)


class Link:
    """Two channels, one in each direction, that share nothing but their parameters."""

    def __init__(
        self, env: simpy.Environment, spec: LinkSpec, forward: np.random.Generator, backward: np.random.Generator
    ) -> None:
        """Connect the primary and the secondary; each direction draws losses from a stream of its own."""
        #: From the primary to the secondary.
        self.forward = Channel(env, spec, forward)
        #: From the secondary to the primary.
        self.backward = Channel(env, spec, backward)
