"""A walk over the page tables of a VM's memory."""

import numpy as np
import numpy.typing as npt

from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.replication.protocols.pages import PageTracking

#: Entries of a page table in the 64 bytes that memory delivers at once (Intel SDM, volume 3A, 4-level paging).
ENTRIES_AT_ONCE = 8


class PageWalk:
    """Reads the entry of every page of a VM, from memory again where copies have driven the tables out of caches."""

    def __init__(self, costs: PageTracking, hosted: HostedVm) -> None:
        """Walk for the VM of `hosted`."""
        unit_lines = hosted.host.processor.tracking.unit_lines
        self._costs = costs
        self._pages = hosted.vm.image.lines // unit_lines
        self._page_bytes = unit_lines * hosted.host.memory.line_bytes

    def ns(self, modified: npt.NDArray[np.int64]) -> int:
        """Return how long a walk takes after an interval in which these pages, int64[n], were modified."""
        most, in_caches = self._costs.evicted_by, self._pages * self._costs.walk
        if most is None or modified.size * self._page_bytes <= most:
            return in_caches
        return in_caches + -(-self._pages // ENTRIES_AT_ONCE) * self._costs.fetch
