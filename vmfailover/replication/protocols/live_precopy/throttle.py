"""Auto-converge: a guest that modifies memory too fast for its migration is slowed down, step by step."""

from dataclasses import dataclass, field

#: Time between two judgements, nanoseconds, at least; QEMU's ram.c.
PERIOD_NS = 1_000_000_000
#: Share of what was sent that may be modified meanwhile (throttle-trigger-threshold of QEMU), and how many periods with
#: more it takes until more is taken.
TRIGGER, PATIENCE = 0.5, 2
#: Percent of a vCPU's time that are taken from it at first, more each time, and at most; of QEMU.
FIRST, MORE, MOST = 20, 10, 99


@dataclass
class Throttle:
    """The judgements on one migration."""

    #: When the period began.
    began_ns: int
    #: Percent of each vCPU's time that are taken from it.
    percent: int = field(default=0, init=False)
    _sent_bytes: int = field(default=0, init=False)
    _modified_bytes: int = field(default=0, init=False)
    _bad_periods: int = field(default=0, init=False)

    @property
    def slowdown(self) -> float:
        """Times as long as it would that a vCPU takes for its work."""
        return 100 / (100 - self.percent)

    def judge(self, sent_bytes: int, modified_bytes: int, now_ns: int) -> bool:
        """Take note of a round, which has ended now; return whether more is taken than before."""
        self._sent_bytes += sent_bytes
        self._modified_bytes += modified_bytes
        if now_ns - self.began_ns < PERIOD_NS:
            return False
        self._bad_periods += self._modified_bytes > TRIGGER * self._sent_bytes
        self.began_ns, self._sent_bytes, self._modified_bytes = now_ns, 0, 0
        if self._bad_periods < PATIENCE:
            return False
        self._bad_periods = 0
        before, self.percent = self.percent, min(MOST, self.percent + MORE if self.percent else FIRST)
        return self.percent > before
