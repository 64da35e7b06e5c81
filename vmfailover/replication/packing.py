"""From modified lines to messages."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from vmfailover.replication.compression import Compressor
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.messages import LineBatch
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
        self._batch_lines = context.units_in_message * self._unit_lines
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
        content_bytes, preparation_ns = lines.size * self._line_bytes, self._message_ns
        if self._compressor is not None:
            content_bytes, compressing_ns = self._compressor.compress(units)
            preparation_ns += compressing_ns
        return LineBatch(epoch, lines, versions, addresses + content_bytes, preparation_ns=preparation_ns)
