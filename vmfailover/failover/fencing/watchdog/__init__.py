"""Fencing by the other host's own watchdog: settings."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar

from vmfailover.scenario.errors import Problem
from vmfailover.scenario.failover import Fencing
from vmfailover.scenario.record import written
from vmfailover.scenario.units import AboveZero, Duration


class WatchdogSettings(Fencing):
    """A host without quorum, or one that hangs, resets itself, and the other waits until it must have."""

    code: ClassVar[str] = f"{__name__}.fencing:WatchdogFencing"
    unused: ClassVar[frozenset[str]] = frozenset({"delay"})

    timeout: Annotated[Duration, AboveZero] = written("5 s")
    """Of watchdog: time without quorum, or in a hang, after which a host resets itself, in nanoseconds. Pacemaker
    (SBD_WATCHDOG_TIMEOUT)."""
    wait: Duration = written("10 s")
    """Of watchdog: time that a host waits for the other one's watchdog before it goes on, in nanoseconds. Pacemaker
    (stonith-watchdog-timeout, twice the watchdog's)."""

    @property
    def one_order_ns(self) -> int:
        """The time waited."""
        return self.wait

    @property
    def watchdog_ns(self) -> int | None:
        """Time after which a watchdog resets its host."""
        return self.timeout

    def problems(self, scenario: Any) -> Iterator[Problem]:
        """Yield a problem where no host ever loses its quorum, or the wait is too short for what it waits for."""
        if scenario.quorum.kind == "none":
            yield Problem(("quorum", "kind"), "a watchdog fences a host without quorum; write 'witness'")
        if self.wait < self.timeout:
            yield Problem(("fencing", "wait"), "shorter than 'timeout': the other host may still run the VM")
