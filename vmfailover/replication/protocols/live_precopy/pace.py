"""How fast a migration sends, and when it looks at the log of modified pages again: the arithmetic alone.

As QEMU does it: a bandwidth limit is kept for each window of 100 ms, in which all leaves as fast as it can until the
window's share is used up; and after each slice of sending, what is left is compared with what fits into the downtime.
"""

from dataclasses import dataclass, field

from vmfailover.scenario.sizes import transfer_ns

#: Time over which bandwidth is measured, and limited, nanoseconds: BUFFER_DELAY in migration.c of QEMU.
WINDOW_NS = 100_000_000
#: The longest time of sending without a look at what is left, nanoseconds: MAX_WAIT in ram.c of QEMU.
SLICE_NS = 50_000_000


@dataclass
class Pace:
    """The sending side of one migration."""

    #: What can leave at all, bits per second.
    bandwidth: int
    #: What the rounds may take, bits per second.
    limit: int
    downtime_ns: int
    #: When the window began.
    began_ns: int
    #: Bytes sent in the window.
    sent_bytes: int = 0
    #: Bytes per second sent in the window before; in the first one, what may be sent.
    measured: float = field(init=False)

    def __post_init__(self) -> None:
        """Begin with what is possible."""
        self.measured = min(self.bandwidth, self.limit) / 8

    def fits(self, left_bytes: int) -> bool:
        """Whether so much can be sent within the downtime."""
        return left_bytes <= self.measured * self.downtime_ns / 1e9

    def slice_bytes(self, left_bytes: int) -> int:
        """Return how much of what is left leaves before the next look at it."""
        share = self.limit * WINDOW_NS // 8_000_000_000 - self.sent_bytes
        return max(1, min(left_bytes, share, self.bandwidth * SLICE_NS // 8_000_000_000))

    def least_ns(self, sent_bytes: int) -> int:
        """Return how long so many bytes take at least."""
        return transfer_ns(sent_bytes * 8, self.bandwidth)

    def sent(self, sent_bytes: int, now_ns: int) -> int:
        """Take note of bytes that have left by now; return the instant before which nothing more leaves."""
        self.sent_bytes += sent_bytes
        end_ns = self.began_ns + WINDOW_NS
        used_up = self.sent_bytes * 8_000_000_000 >= self.limit * WINDOW_NS
        next_ns = max(now_ns, end_ns) if used_up else now_ns
        if next_ns >= end_ns:
            self.measured = self.sent_bytes * 1e9 / (next_ns - self.began_ns)
            self.began_ns, self.sent_bytes = next_ns, 0
        return next_ns
