"""The link between the hosts, and the clients of the VM."""

from typing import Annotated, Literal

from pydantic import Field

from vmfailover.scenario.record import Record, written
from vmfailover.scenario.units import AboveZero, Bandwidth, Duration, Fraction, NoneText, Rate, Size


class Shaper(Record):
    """A token bucket before the wire, as `tc tbf` of Linux and the network allowances of clouds have it."""

    rate: Annotated[Bandwidth, AboveZero]
    """Bits per second on the wire in the long run; what passes at once takes the link's bandwidth."""
    burst: Annotated[Size, AboveZero]
    """Bytes that pass at once after a while without traffic, headers included."""


class Link(Record):
    """The replication link, the same in both directions."""

    bandwidth: Annotated[Bandwidth, AboveZero]
    """Bits per second on the wire."""
    latency: Annotated[Duration, AboveZero]
    """Time one way, without queueing and transmission, in nanoseconds."""
    mtu: Annotated[Size, Field(ge=128, le=65536)] = written("1500 B")
    """Largest payload of a frame in bytes. Ethernet's, IEEE 802.3."""
    overhead: Size = written("78 B")
    """Bytes on the wire for each frame beside its payload: preamble and delimiter 8, Ethernet header 14, checksum 4,
    gap 12 (IEEE 802.3), IPv4 20 (RFC 791), TCP 20 (RFC 9293)."""
    queue: Annotated[Size, AboveZero] = written("1500 kB")
    """Bytes the sender may queue: 1000 frames, the default txqueuelen of Ethernet devices in Linux."""
    loss: Annotated[Fraction, Field(lt=1)] = written("0 %")
    """Share of the frames that are lost and sent again."""
    retransmission_timeout: Annotated[Duration, AboveZero] = written("10 ms")
    """Time until a lost message is sent again, in nanoseconds. Assumed."""
    shaper: Annotated[Shaper | None, NoneText] = None
    """What holds the traffic of each direction down to a rate below the bandwidth; or none."""


class Clients(Record):
    """Users of the VM, who send requests at random times whatever became of the earlier ones."""

    kind: Literal["open"] = "open"
    """An open system: Poisson arrivals."""
    rate: Annotated[Rate, AboveZero]
    """Mean requests per second, of all clients together."""
    service: Duration = written("20 us")
    """Time of the first vCPU that a request takes, in nanoseconds; its program gets what is left. Assumed."""
    request: Size = written("1 KiB")
    """Bytes of a request. Assumed."""
    stores: Size = written("0 B")
    """Bytes of the VM's memory to which the first vCPU stores for a request, once to each line, which takes time beside
    `service`. They lie in a ring below the network's buffers."""
    response: Size = written("1 KiB")
    """Bytes of an answer. Assumed."""
    latency: Duration = written("50 us")
    """Time one way between client and VM, in nanoseconds. Assumed."""
    retry: Annotated[Duration, AboveZero] = written("200 ms")
    """Time until a request without an answer is sent again for the first time, in nanoseconds; it doubles with each try
    (RFC 6298). TCP_RTO_MIN of Linux (net/tcp.h)."""
