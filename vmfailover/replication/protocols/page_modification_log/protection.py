"""The page-modification log (Intel PML): the processor writes the address of each page that turns dirty to a buffer."""

from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.cache.state import Leaving, Mode
from vmfailover.hardware.processor import FS_PER_NS, Tracking
from vmfailover.replication.checkpointing import Checkpointing
from vmfailover.replication.first_stores import FirstStores
from vmfailover.replication.protocols.pages import PageSettings
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.replication import Replication


class PageModificationLog(Checkpointing):
    """Checkpoints of the pages in the buffers; the VM exits when one is full, and no store faults."""

    @classmethod
    def tracking(cls, replication: Replication, host: HostSpec) -> Tracking:
        """The first store to a page takes an entry, written to memory, and every so many of them an exit."""
        costs = PageSettings.of(replication).page_tracking
        return Tracking(
            Mode.FIRST_STORES,
            Leaving.FORGET,
            unit_lines=replication.unit_bytes(host.line) // host.line,
            first_store_fs=host.line * 10**15 // host.memory.bandwidth,
            buffer=costs.buffer,
            exit_fs=costs.exit * FS_PER_NS,
        )

    def new_tracker(self, hosted: HostedVm) -> FirstStores:
        """Return what empties the buffers of all vCPUs, clears the pages' dirty bits, and flushes the TLBs."""
        costs = PageSettings.of(self.context.scenario.replication).page_tracking
        return FirstStores(self.context, hosted, lambda pages: costs.exit + pages.size * costs.page + costs.flush)
