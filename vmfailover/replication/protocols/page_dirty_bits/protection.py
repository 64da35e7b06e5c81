"""Dirty bits in the page tables (x86 accessed/dirty bits): stores cost nothing, a checkpoint walks all the tables."""

from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.cache.state import Leaving, Mode
from vmfailover.hardware.processor import Tracking
from vmfailover.replication.checkpointing import Checkpointing
from vmfailover.replication.first_stores import FirstStores
from vmfailover.replication.page_walk import PageWalk
from vmfailover.replication.protocols.pages import PageSettings
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.replication import Replication


class PageDirtyBits(Checkpointing):
    """Checkpoints of the pages whose dirty bit is set."""

    @classmethod
    def tracking(cls, replication: Replication, host: HostSpec) -> Tracking:
        """The hardware sets the dirty bit of a page with the first store to it."""
        return Tracking(Mode.FIRST_STORES, Leaving.FORGET, unit_lines=replication.unit_bytes(host.line) // host.line)

    def new_tracker(self, hosted: HostedVm) -> FirstStores:
        """Return what reads the entry of every page, clears the bits that are set, and flushes the TLBs."""
        costs = PageSettings.of(self.context.scenario.replication).page_tracking
        walk = PageWalk(costs, hosted)
        return FirstStores(self.context, hosted, lambda pages: walk.ns(pages) + pages.size * costs.page + costs.flush)
