"""Cache-line transfers (US 9069701): settings."""

from typing import ClassVar

from vmfailover.scenario.replication import Replication


class CachelineTransferSettings(Replication):
    """What is written back, or moves to another cache, is logged."""

    code: ClassVar[str] = f"{__name__}.protection:CachelineTransfer"
    uses_log: ClassVar[bool] = True
    fails_back: ClassVar[bool] = True
    unused: ClassVar[frozenset[str]] = Replication.unused | {"transfer"}
