"""Write-protected pages (Remus, NSDI 2008): the first store to a page in an epoch faults."""

import numpy as np
import numpy.typing as npt

from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.cache.state import Leaving, Mode
from vmfailover.hardware.processor import FS_PER_NS, Tracking
from vmfailover.replication.checkpointing import Checkpointing
from vmfailover.replication.first_stores import FirstStores
from vmfailover.replication.page_walk import PageWalk
from vmfailover.replication.protocols.pages import PageSettings, PageTracking
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.replication import Replication


def faults(replication: Replication, host: HostSpec) -> Tracking:
    """Return the tracking of pages of which each is protected until it is first stored to."""
    return Tracking(
        Mode.FIRST_STORES,
        Leaving.FORGET,
        unit_lines=replication.unit_bytes(host.line) // host.line,
        first_store_fs=PageSettings.of(replication).page_tracking.fault * FS_PER_NS,
    )


def protecting_ns(costs: PageTracking, pages: npt.NDArray[np.int64]) -> int:
    """Return how long it takes to protect modified pages (int64[n], in order) again, nanoseconds."""
    ranges_ns = costs.range and costs.range * int(np.count_nonzero(np.diff(pages, prepend=-2) > 1))
    return pages.size * costs.page + ranges_ns + (costs.flush if pages.size else 0)


class PageWriteProtect(Checkpointing):
    """Checkpoints of the pages that have faulted, each of which is then protected again."""

    @classmethod
    def tracking(cls, replication: Replication, host: HostSpec) -> Tracking:
        """The first store to a page costs a fault."""
        return faults(replication, host)

    def new_tracker(self, hosted: HostedVm) -> FirstStores:
        """Return what finds the modified pages, protects them again, and flushes the TLBs once if there are any."""
        costs = PageSettings.of(self.context.scenario.replication).page_tracking
        if costs.found_by == "faults":
            return FirstStores(self.context, hosted, lambda pages: protecting_ns(costs, pages))
        walk = PageWalk(costs, hosted)
        return FirstStores(self.context, hosted, lambda pages: walk.ns(pages) + protecting_ns(costs, pages))
