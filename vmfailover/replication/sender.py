"""The replication process of the sending side: one ordered stream of messages."""

from collections.abc import Generator, Sequence
from typing import Any

import simpy

from vmfailover.hardware.endpoint import Destination
from vmfailover.hardware.link import Channel
from vmfailover.replication.messages import Message


class Sender:
    """Sends batches and markers in the order in which they were put."""

    def __init__(self, env: simpy.Environment, channel: Channel, to: Destination) -> None:
        """Send over `channel`, to one destination."""
        self.env = env
        self._channel = channel
        self._to = to
        self._queue: simpy.Store = simpy.Store(env)
        self._underway = 0
        self._prepared_ns = 0

    @property
    def idle(self) -> bool:
        """Whether everything put has left."""
        return self._underway == 0

    def put(self, message: Message) -> simpy.Event:
        """Queue a message; the event happens when its last bit has left."""
        left = self.env.event()
        self._underway += 1
        self._prepared_ns = max(self._prepared_ns, int(self.env.now)) + message.preparation_ns
        self._queue.put((message, self._prepared_ns, left))
        return left

    def transmission_ns(self, messages: Sequence[Message]) -> int:
        """Return how long messages take to leave, not counting what stands before them in the queue."""
        return self._channel.serialisation_ns(*(message.payload_bytes for message in messages))

    def run(self) -> Generator[simpy.Event, Any, None]:
        """Send for ever."""
        while True:
            message, prepared_ns, left = yield self._queue.get()
            if prepared_ns > self.env.now:
                yield self.env.timeout(prepared_ns - int(self.env.now))
            yield from self._channel.send(message, self._to)
            self._underway -= 1
            left.succeed()
