"""The compiled twin of the cache hierarchy: what `reference` says, some thousand times faster.

A line is found without a search: `CacheState.place` tells its way in each level. Stamping the time of use into way 0
of a set, which holds no row, does no harm, so that the hot path of an access has no branch but load or store, hit or
miss. Event counts and the core's clock live in registers while a core runs and go to the arrays when it stops.
"""

from vmfailover.hardware.cache.kernel.controller import fetch, scan, write_around
from vmfailover.hardware.cache.kernel.execution import advance
from vmfailover.hardware.cache.kernel.log import flush, log_address

__all__ = ["advance", "fetch", "flush", "log_address", "scan", "write_around"]
