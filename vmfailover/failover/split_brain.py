"""The end of a split brain: the host that has been taken over from gives its VM up when it hears of that."""

import simpy

from vmfailover.engine.steps import Steps
from vmfailover.failover.detection.messages import SignOfLife
from vmfailover.hardware.endpoint import Endpoint
from vmfailover.hardware.host import Host


class Advertisements:
    """Tells the old host of a VM, again and again, that another one runs it, as VRRP does."""

    def __init__(self, env: simpy.Environment, old: Host, new: Host, interval_ns: int, message_bytes: int) -> None:
        """Let `new` advertise from now on; `old` ends its VM at the first advertisement that arrives."""
        self._env = env
        self._new = new
        self._interval_ns = interval_ns
        self._message = SignOfLife(message_bytes)
        self._endpoint = Endpoint(old)
        self._endpoint.on(SignOfLife, lambda _: old.stop())
        new.run_agent(self._advertise())

    def _advertise(self) -> Steps:
        while True:
            self._new.out.send_datagram(self._message, self._endpoint)
            yield self._env.timeout(self._interval_ns)
