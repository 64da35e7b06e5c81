"""What travels over the link."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vmfailover.guest.guest import GuestState

#: Bytes of a message's header and of an acknowledgement. Assumed: epoch, kind, length.
HEADER_BYTES = 32
#: Bytes that name one line in a message.
ADDRESS_BYTES = 8


@dataclass(frozen=True, slots=True)
class LineBatch:
    """Modified lines of one epoch."""

    epoch: int
    #: int64[n]: line numbers.
    lines: npt.NDArray[np.int64]
    #: uint32[n].
    versions: npt.NDArray[np.uint32]
    line_bytes: int
    #: The last one before the epoch's commit marker.
    final: bool = False

    @property
    def payload_bytes(self) -> int:
        """Bytes on the stream, without framing."""
        return HEADER_BYTES + self.lines.size * (ADDRESS_BYTES + self.line_bytes)


@dataclass(frozen=True, slots=True)
class CommitMarker:
    """The end of an epoch: what a takeover needs beside the image, and how many lines make the epoch whole."""

    epoch: int
    lines: int
    state: GuestState
    state_bytes: int

    @property
    def payload_bytes(self) -> int:
        """Bytes on the stream, without framing."""
        return HEADER_BYTES + self.state_bytes
