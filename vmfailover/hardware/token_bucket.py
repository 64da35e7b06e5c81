"""What shapes the traffic of a link: bytes pass for tokens, which come at a rate."""

from vmfailover.scenario.network import Shaper
from vmfailover.scenario.sizes import transfer_ns

_BITS_NS_PER_S = 8 * 10**9


class TokenBucket:
    """Holds as many tokens as a burst has bytes, at most and at first; each byte that leaves takes one."""

    def __init__(self, spec: Shaper) -> None:
        """Begin with a full bucket, at instant 0."""
        self._spec = spec
        self._tokens = spec.burst
        self._at_ns = 0

    def leaving_ns(self, wire_bytes: int, began_ns: int, wire_ns: int) -> int:
        """Return how long bytes take to leave from an instant on, which take `wire_ns` if there are tokens for all."""
        short = wire_bytes - self._tokens_at(began_ns)
        return max(wire_ns, transfer_ns(8 * short, self._spec.rate))

    def take(self, wire_bytes: int, began_ns: int, wire_ns: int) -> int:
        """Let bytes leave, and return how long they take, as `leaving_ns` says."""
        duration_ns = self.leaving_ns(wire_bytes, began_ns, wire_ns)
        tokens = self._tokens_at(began_ns) + self._come_in(duration_ns) - wire_bytes
        self._tokens, self._at_ns = min(tokens, self._spec.burst), began_ns + duration_ns
        return duration_ns

    def _tokens_at(self, instant_ns: int) -> int:
        return min(self._spec.burst, self._tokens + self._come_in(instant_ns - self._at_ns))

    def _come_in(self, duration_ns: int) -> int:
        """Return the whole tokens that come in a time."""
        return duration_ns * self._spec.rate // _BITS_NS_PER_S
