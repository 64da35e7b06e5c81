"""What travels over the link."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from vmfailover.guest.guest import GuestState
from vmfailover.hardware import endpoint
from vmfailover.scenario.sizes import ADDRESS_BYTES

#: Bytes of a message's header and of an acknowledgement. Assumed: epoch, kind, length.
HEADER_BYTES = 32


class Message(endpoint.Message, Protocol):
    """What keeps its place in the stream from one host to the other."""

    @property
    def preparation_ns(self) -> int:
        """Time it takes to make ready for sending, beside the sending of what comes before, nanoseconds."""


class ReadyAtOnce:
    """Takes no time to make ready for sending."""

    __slots__ = ()

    @property
    def preparation_ns(self) -> int:
        """None."""
        return 0


@dataclass(frozen=True, slots=True)
class LineBatch:
    """Modified lines of one epoch, and how they travel."""

    epoch: int
    #: int64[n]: line numbers.
    lines: npt.NDArray[np.int64]
    #: uint32[n].
    versions: npt.NDArray[np.uint32]
    #: Addresses and contents on the stream, bytes.
    content_bytes: int
    #: The last one before the epoch's commit marker.
    final: bool = False
    #: Time it takes to make ready for sending, beside the sending of what comes before, nanoseconds.
    preparation_ns: int = 0

    @property
    def payload_bytes(self) -> int:
        """Bytes on the stream, without framing."""
        return HEADER_BYTES + self.content_bytes


class UndoBatch(LineBatch):
    """Old contents of lines, which a mirror puts back if the epoch is never committed."""


@dataclass(frozen=True, slots=True)
class CommitMarker(ReadyAtOnce):
    """The end of an epoch: what a takeover needs beside the image, and how many lines make the epoch whole."""

    epoch: int
    lines: int
    state: GuestState
    state_bytes: int

    @property
    def payload_bytes(self) -> int:
        """Bytes on the stream, without framing."""
        return HEADER_BYTES + self.state_bytes


@dataclass(frozen=True, slots=True)
class WrittenPages(ReadyAtOnce):
    """The pages that have ever been written; all others, which the message names, are pages of zeros."""

    #: int64[n]: page numbers.
    pages: npt.NDArray[np.int64]
    page_lines: int
    #: How many pages of zeros there are.
    others: int

    @property
    def payload_bytes(self) -> int:
        """Bytes on the stream, without framing."""
        return HEADER_BYTES + self.others * ADDRESS_BYTES


@dataclass(frozen=True, slots=True)
class PullRequest:
    """The other host asks for lines."""

    lines: int

    @property
    def payload_bytes(self) -> int:
        """Bytes on the wire, without framing."""
        return HEADER_BYTES + self.lines * ADDRESS_BYTES


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """An epoch is committed, or there as a whole."""

    epoch: int

    @property
    def payload_bytes(self) -> int:
        """Bytes on the wire, without framing."""
        return HEADER_BYTES
