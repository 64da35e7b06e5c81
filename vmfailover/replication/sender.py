"""The replication process of the sending side: one ordered stream of messages."""

from collections import deque
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
        #: Messages, each with the instant at which it is prepared and what happens when it has left.
        self._queue: deque[tuple[Message, int, simpy.Event]] = deque()
        #: What the process waits for while there is no message.
        self._wanted: simpy.Event | None = None
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
        self._queue.append((message, self._prepared_ns, left))
        if self._wanted is not None:
            self._wanted.succeed()
            self._wanted = None
        return left

    def transmission_ns(self, messages: Sequence[Message]) -> int:
        """Return how long messages take to leave, not counting what stands before them in the queue."""
        return self._channel.serialisation_ns(*(message.payload_bytes for message in messages))

    def run(self) -> Generator[simpy.Event, Any, None]:
        """Send for ever."""
        while True:
            while not self._queue:
                self._wanted = self.env.event()
                yield self._wanted
            message, prepared_ns, left = self._queue.popleft()
            if prepared_ns > self.env.now:
                yield self.env.timeout(prepared_ns - int(self.env.now))
            yield from self._channel.send(message, self._to)
            self._underway -= 1
            left.succeed()
            yield left
