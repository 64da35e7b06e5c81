"""What the hosts tell each other beside lines and commit markers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vmfailover.replication.messages import HEADER_BYTES, ReadyAtOnce
from vmfailover.scenario.sizes import ADDRESS_BYTES


@dataclass(frozen=True, slots=True)
class AcceptedRequest(ReadyAtOnce):
    """The primary has accepted a request, which the secondary is to have too."""

    request: int
    request_bytes: int

    @property
    def payload_bytes(self) -> int:
        """Bytes on the stream, without framing."""
        return HEADER_BYTES + self.request_bytes


@dataclass(frozen=True, slots=True)
class StopOrder(ReadyAtOnce):
    """The secondary is to stand still, and to tell what has been modified there."""

    @property
    def payload_bytes(self) -> int:
        """Bytes on the stream, without framing."""
        return HEADER_BYTES


@dataclass(frozen=True, slots=True)
class SecondaryOutput:
    """The secondary has answered a request."""

    request: int
    #: Synchronisations of the secondary by then.
    generation: int
    response_bytes: int

    @property
    def payload_bytes(self) -> int:
        """Bytes on the wire, without framing."""
        return HEADER_BYTES + self.response_bytes


@dataclass(frozen=True, slots=True)
class ModifiedUnits:
    """The secondary stands still, and these units have been modified there since the last synchronisation."""

    #: int64[n].
    units: npt.NDArray[np.int64]

    @property
    def payload_bytes(self) -> int:
        """Bytes on the wire, without framing."""
        return HEADER_BYTES + self.units.size * ADDRESS_BYTES
