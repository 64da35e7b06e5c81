"""Write-protected pages (Remus, NSDI 2008): the first store to a page in an epoch faults."""

from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.cache.state import Leaving, Mode
from vmfailover.hardware.processor import FS_PER_NS, Tracking
from vmfailover.replication.checkpointing import Checkpointing
from vmfailover.replication.first_stores import FirstStores
from vmfailover.replication.protocols.pages import PageSettings
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


class PageWriteProtect(Checkpointing):
    """Checkpoints of the pages that have faulted, each of which is then protected again."""

    @classmethod
    def tracking(cls, replication: Replication, host: HostSpec) -> Tracking:
        """The first store to a page costs a fault."""
        return faults(replication, host)

    def new_tracker(self, hosted: HostedVm) -> FirstStores:
        """Return what protects the modified pages again, and flushes the TLBs once if there are any."""
        costs = PageSettings.of(self.context.scenario.replication).page_tracking
        return FirstStores(self.context, hosted, lambda pages: pages * costs.page + (costs.flush if pages else 0))
