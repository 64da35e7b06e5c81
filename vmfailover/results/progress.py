"""How fast the guest makes progress after a takeover, with cold caches."""

from collections import deque
from collections.abc import Generator

import simpy

from vmfailover.cluster import Cluster
from vmfailover.journal import Event

#: The guest is back when it keeps this share of its earlier rate …
RECOVERED = 0.95
#: … for this long, looked at this often. Assumed.
WINDOW_NS = 1_000_000
STEP_NS = 100_000


class RateSampler:
    """Measures the guest's instructions per nanosecond before the failure and after the takeover."""

    def __init__(self, env: simpy.Environment, cluster: Cluster) -> None:
        """Wait for a failure and a takeover."""
        self.env = env
        self._cluster = cluster
        self._rate_before: float | None = None
        self._watching = False
        #: From the takeover until the guest is back at its rate, nanoseconds; None if it never was.
        self.warmup_ns: int | None = None
        cluster.journal.on("failure", self._measure_before)
        cluster.journal.on("detect", self._measure_before)
        cluster.journal.on("switchover", self._measure_before)
        cluster.journal.on("takeover", self._begin)

    def _measure_before(self, event: Event) -> None:
        """Measure at the failure, at a false alarm, or when an evacuation stops the VM."""
        if self._rate_before is None:
            pair = self._cluster.pair
            executed = pair.primary.vm.instructions - pair.instructions_before
            self._rate_before = executed / max(1, event.time_ns - pair.begun_ns)

    def _begin(self, takeover: Event) -> None:
        """Look at the first takeover only."""
        if self._watching:
            return
        self._watching = True
        self.env.process(self._watch(takeover.time_ns))

    def _watch(self, takeover_ns: int) -> Generator[simpy.Event, None, None]:
        assert self._rate_before is not None
        vm = self._cluster.pair.secondary.vm
        samples = deque([vm.instructions], maxlen=WINDOW_NS // STEP_NS + 1)
        while self.warmup_ns is None:
            yield self.env.timeout(STEP_NS)
            samples.append(vm.instructions)
            rate = (samples[-1] - samples[0]) / WINDOW_NS
            if len(samples) == samples.maxlen and rate >= RECOVERED * self._rate_before:
                self.warmup_ns = int(self.env.now) - WINDOW_NS - takeover_ns
