"""What travels over the link."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vmfailover.guest.guest import GuestState

#: Bytes of a message's header and of an acknowledgement. Assumed: epoch, kind, length.
HEADER_BYTES = 32


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
class CommitMarker:
    """The end of an epoch: what a takeover needs beside the image, and how many lines make the epoch whole."""

    epoch: int
    lines: int
    state: GuestState
    state_bytes: int

    @property
    def preparation_ns(self) -> int:
        """It is ready at once."""
        return 0

    @property
    def payload_bytes(self) -> int:
        """Bytes on the stream, without framing."""
        return HEADER_BYTES + self.state_bytes


@dataclass(frozen=True, slots=True)
class Notice:
    """Anything else that has to keep its place in the stream; `tell` is called as it arrives."""

    payload_bytes: int
    tell: Callable[[], None]
    preparation_ns: int = 0


Message = LineBatch | CommitMarker | Notice
