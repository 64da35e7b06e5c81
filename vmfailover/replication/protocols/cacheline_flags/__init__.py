"""Cache-line flags (US 2014/0164710): settings."""

from typing import ClassVar

from vmfailover.scenario.replication import Replication


class CachelineFlagsSettings(Replication):
    """Stores flag their rows, the cache controller logs the flagged lines."""

    code: ClassVar[str] = f"{__name__}.protection:CachelineFlags"
    uses_log: ClassVar[bool] = True
    fails_back: ClassVar[bool] = True
