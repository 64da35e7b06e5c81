"""A migration as practised: what is unsent is compared all along with what fits into the downtime."""

from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import simpy

from vmfailover.records.events import Kind
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.epoch import Epoch
from vmfailover.replication.messages import CommitMarker
from vmfailover.replication.precopy import Find, Precopy, Units
from vmfailover.replication.protocols.live_precopy import MigrationSpec
from vmfailover.replication.protocols.live_precopy.pace import Pace
from vmfailover.replication.protocols.live_precopy.throttle import Throttle
from vmfailover.scenario.network import Link
from vmfailover.scenario.sizes import ADDRESS_BYTES, transfer_ns

#: Bits per second where there is no limit: more than any link has.
NO_LIMIT = 1 << 60


def payload_of(link: Link) -> int:
    """Return what a link carries beside its framing, bits per second."""
    return link.bandwidth * link.mtu // (link.mtu + link.overhead)


def bandwidth_of(spec: MigrationSpec, link: Link) -> int:
    """Return what the channels of a migration can send, bits per second."""
    return min(payload_of(link), (spec.stream_bandwidth or NO_LIMIT) * spec.channels)


def new_pace(spec: MigrationSpec, link: Link, now_ns: int) -> Pace:
    """Return the pace of a migration that begins to send."""
    return Pace(bandwidth_of(spec, link), spec.bandwidth_limit or NO_LIMIT, spec.downtime_limit, now_ns)


class PacedPrecopy(Precopy):
    """Sends in slices, and looks for modified pages again as soon as what is unsent fits into the downtime.

    A page that is modified after a look is sent again, though it may not have been sent before. What is left when the
    VM stops is read while it is sent.
    """

    def __init__(
        self, context: ProtectionContext, find: Find, arrived: Callable[[CommitMarker], None], spec: MigrationSpec
    ) -> None:
        """Copy to the secondary as `Precopy` does, at the pace of `spec`."""
        super().__init__(context, find, arrived)
        self._migration = spec
        self._unit_bytes = self._unit_lines * context.line_bytes + ADDRESS_BYTES
        self._slowed: float | None = None
        #: Whether what is left was little enough to stop the VM.
        self.fitted = False

    @property
    def stops(self) -> bool:
        """Whether the rest came to fit into the downtime, before it took too long."""
        return self.fitted

    @property
    def converged(self) -> bool:
        """Whether what was left came to fit into the downtime."""
        return self.fitted

    def run(self, go_on: Callable[[], None]) -> Generator[simpy.Event, Any, Units]:
        """Copy until the rest fits into the downtime, and return it; without `fitted`, when it takes too long."""
        units = yield from self._begin(go_on)
        began_ns = int(self.env.now)
        pace, self._throttle = new_pace(self._migration, self._context.scenario.link, began_ns), Throttle(began_ns)
        epoch = self._context.recorder.began(began_ns, whole_memory=True)
        while not self._late(began_ns):
            if pace.fits(units.size * self._unit_bytes):
                units = yield from self._look(epoch, units)
                self.fitted = pace.fits(units.size * self._unit_bytes)
                if self.fitted:
                    break
                epoch = self._context.recorder.began(int(self.env.now), whole_memory=True)
            units = yield from self._send_slice(epoch, units, pace)
        self._relax()
        return units

    def _late(self, began_ns: int) -> bool:
        timeout = self._migration.timeout
        return timeout is not None and self.env.now >= began_ns + timeout

    def _look(self, epoch: Epoch, unsent: Units) -> Generator[simpy.Event, Any, Units]:
        """End a round; return what is unsent, and what has been modified in it."""
        modified = yield from self._find()
        now_ns, context = int(self.env.now), self._context
        context.event_log.record(
            Kind.ROUND,
            context.primary.host.name,
            epoch=epoch.number,
            duration_ns=now_ns - epoch.started_ns,
            count=modified.size,
        )
        modified_bytes = modified.size * self._unit_bytes
        if self._migration.auto_converge and self._throttle.judge(epoch.shipped_bytes, modified_bytes, now_ns):
            self._slow_down()
        both = np.sort(np.concatenate([unsent, modified]), kind="stable")
        return both[np.diff(both, prepend=-1) > 0]

    def _send_slice(self, epoch: Epoch, units: Units, pace: Pace) -> Generator[simpy.Event, Any, Units]:
        """Send as much as may leave at once, and wait until more may; return what is still unsent."""
        number = -(-pace.slice_bytes(units.size * self._unit_bytes) // self._unit_bytes)
        if not number:
            return units
        began_ns, before = int(self.env.now), epoch.shipped_bytes
        yield self._put(self._batches(epoch, units[:number]))
        sent_bytes = epoch.shipped_bytes - before
        left_ns = max(int(self.env.now), began_ns + pace.least_ns(sent_bytes))
        yield self.env.timeout(pace.sent(sent_bytes, left_ns) - int(self.env.now))
        return units[number:]

    def _before_sending_ns(self, units: Units) -> int:
        """Return by how much the channels are slower than the link: memory is read while it is sent."""
        rest_bits = units.size * self._unit_bytes * 8
        link = self._context.scenario.link
        return transfer_ns(rest_bits, bandwidth_of(self._migration, link)) - transfer_ns(rest_bits, payload_of(link))

    # The throttle.

    def _slow_down(self) -> None:
        host, throttle = self._context.primary.host, self._throttle
        self._relax()
        host.begin_slowdown(throttle.slowdown)
        self._slowed = throttle.slowdown
        self._context.event_log.record(Kind.THROTTLE, host.name, detail=f"{throttle.percent} %")

    def _relax(self) -> None:
        """Let the vCPUs run as fast as they can."""
        if self._slowed is not None:
            self._context.primary.host.end_slowdown(self._slowed)
            self._slowed = None
