"""From modified lines to messages."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from vmfailover.replication.compression import Compressor
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.messages import HEADER_BYTES, LineBatch
from vmfailover.scenario.sizes import ADDRESS_BYTES


class Packing(Protocol):
    """Makes the messages that carry lines of one epoch."""

    def pack(self, epoch: int, lines: npt.NDArray[np.int64], versions: npt.NDArray[np.uint32]) -> list[LineBatch]:
        """Return messages for lines (int64[n]) with their versions (uint32[n]), whole units of them."""


class UnitPacking:
    """Sends units one after the other, each with its address, compressed if the scenario says so.

    A thread of the hypervisor prepares each message while those before it are on their way.
    """

    def __init__(self, context: ProtectionContext) -> None:
        """Pack units as large as the scenario's granularity into messages of about `replication.batch` lines."""
        replication = context.scenario.replication
        self._unit_lines = context.unit_lines
        self._line_bytes = context.line_bytes
        #: Messages that are sent as one, at most.
        self._together = _messages_together(context)
        self._batch_lines = context.units_in_message * self._together * self._unit_lines
        self._message_lines = self._batch_lines // self._together
        self._serialisation_ns = context.primary.host.out.serialisation_ns
        unit_bytes = self._unit_lines * self._line_bytes
        self._message_ns = context.scenario.hypervisor.message
        self._compressor = Compressor(replication.compression, unit_bytes) if replication.compression else None

    def pack(self, epoch: int, lines: npt.NDArray[np.int64], versions: npt.NDArray[np.uint32]) -> list[LineBatch]:
        """Return one message for each so many lines."""
        cuts = range(0, lines.size, self._batch_lines)
        return [
            self._message(epoch, lines[at:][: self._batch_lines], versions[at:][: self._batch_lines]) for at in cuts
        ]

    def _message(self, epoch: int, lines: npt.NDArray[np.int64], versions: npt.NDArray[np.uint32]) -> LineBatch:
        units = lines[:: self._unit_lines] // self._unit_lines
        addresses = units.size * ADDRESS_BYTES
        content_bytes, compressing_ns = lines.size * self._line_bytes, 0
        if self._compressor is not None:
            content_bytes, compressing_ns = self._compressor.compress(units)
        content_bytes += addresses
        messages = max(1, -(-lines.size // self._message_lines))
        preparation_ns = self._preparation_ns(messages, compressing_ns, content_bytes)
        return LineBatch(epoch, lines, versions, content_bytes, preparation_ns=preparation_ns)

    def _preparation_ns(self, messages: int, compressing_ns: int, content_bytes: int) -> int:
        """Return the time before messages that are sent as one can leave without a break."""
        each_ns = self._message_ns + compressing_ns // messages
        if messages == 1:
            return each_ns
        sending_ns = self._serialisation_ns(HEADER_BYTES + content_bytes // messages)
        return each_ns + (messages - 1) * max(0, each_ns - sending_ns)


def _messages_together(context: ProtectionContext) -> int:
    """Return how many messages are sent as one: for a sampled guest as many as leave the link half of its queue.

    One that is pulled is asked for by itself.
    """
    scenario = context.scenario
    if scenario.fidelity == "executed" or scenario.replication.copier == "other-host":
        return 1
    message_bytes = context.units_in_message * context.unit_lines * context.line_bytes
    return max(1, scenario.link.queue // 2 // message_bytes)
