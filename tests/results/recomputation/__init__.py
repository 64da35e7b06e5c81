"""Every metric of a run, computed again from the folder that it left, as `schema --metrics` defines it.

Nothing here comes from the product: JSON and tables are all that it reads. Two things are taken as they stand. What the
audit has found by executing the guest's program a second time stands in `run.json`, and cannot be found again without
executing it a third time; the same holds for the time on the wall.
"""

from pathlib import Path

from results.recomputation import checkpoints, clients, exposure, failover, guest, shipping
from results.recomputation.folder import Folder, Values

_PARTS = (failover.metrics, exposure.metrics, clients.metrics, guest.metrics, checkpoints.metrics, shipping.metrics)


def recomputed(path: Path) -> Values:
    """Return every metric by its name, but for those of the time on the wall."""
    folder = Folder(path)
    found: Values = {}
    for part in _PARTS:
        found |= part(folder)
    return found
