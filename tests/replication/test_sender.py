"""The sender: one stream, in the order in which messages were put."""

import simpy
from messages_for_tests import Mailbox

from vmfailover.replication.messages import Message
from vmfailover.replication.sender import Sender

from .machinery import LATENCY_NS, batch, marker, new_channel

FIRST, SECOND = batch(0, {1: 1, 2: 1}), batch(0, {3: 1})
MARKER = marker(0, [FIRST, SECOND])
MESSAGES: list[Message] = [FIRST, SECOND, MARKER]
#: A byte takes a nanosecond.
BYTES = [message.payload_bytes for message in MESSAGES]


class Wire:
    """A sender, and what has come out at the other end: (message, instant)."""

    def __init__(self) -> None:
        self.env = simpy.Environment()
        mailbox = Mailbox(self.env)
        self.arrived = mailbox.arrived
        self.sender = Sender(self.env, new_channel(self.env), mailbox)
        self.env.process(self.sender.run())


def test_messages_arrive_in_order_one_after_the_other() -> None:
    wire = Wire()
    for message in MESSAGES:
        wire.sender.put(message)
    wire.env.run()
    assert [message for message, _ in wire.arrived] == MESSAGES
    assert [instant - LATENCY_NS for _, instant in wire.arrived] == [
        BYTES[0],
        BYTES[0] + BYTES[1],
        sum(BYTES),
    ]


def test_a_message_has_left_when_its_last_bit_has() -> None:
    wire = Wire()
    wire.sender.put(FIRST)
    left = wire.sender.put(SECOND)
    wire.env.run(left)
    assert wire.env.now == BYTES[0] + BYTES[1]


def test_a_sender_is_idle_when_everything_has_left() -> None:
    wire = Wire()
    assert wire.sender.idle
    wire.sender.put(FIRST)
    assert not wire.sender.idle
    wire.env.run(until=BYTES[0] - 1)
    assert not wire.sender.idle
    wire.env.run(until=BYTES[0] + 1)
    assert wire.sender.idle
    assert wire.arrived == []


def test_transmission_is_what_the_messages_take_without_queueing() -> None:
    wire = Wire()
    wire.sender.put(FIRST)
    assert wire.sender.transmission_ns(MESSAGES) == sum(BYTES)
