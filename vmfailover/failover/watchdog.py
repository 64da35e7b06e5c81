"""A watchdog: resets a host that does not show for too long that all is well."""

from collections.abc import Callable

import simpy

from vmfailover.engine.steps import Steps
from vmfailover.hardware.host import Host

#: How often in its timeout a watchdog is looked at. Assumed: each second of five, as sbd does.
_LOOKS = 5


class Watchdog:
    """A timer beside a host, which the host sets back as long as it does not hang and has quorum."""

    def __init__(self, env: simpy.Environment, host: Host, timeout_ns: int, has_quorum: Callable[[], bool]) -> None:
        """Begin at once; the host is reset within `timeout_ns` of the last look at which all was well."""
        self._env = env
        self._host = host
        self._timeout_ns = timeout_ns
        self._has_quorum = has_quorum
        self._disarmed = False
        env.process(self._run())

    def disarm(self) -> None:
        """Reset nobody any more."""
        self._disarmed = True

    def _run(self) -> Steps:
        left_ns = self._timeout_ns
        step_ns = max(1, left_ns // _LOOKS)
        while not self._disarmed and self._host.up:
            if self._is_well:
                left_ns = self._timeout_ns
            elif left_ns <= 0:
                self._host.crash()
                return
            yield self._env.timeout(min(step_ns, left_ns) or step_ns)
            left_ns -= step_ns

    @property
    def _is_well(self) -> bool:
        return not self._host.frozen and self._has_quorum()
