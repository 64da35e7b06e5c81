"""Write-protected pages (Remus, NSDI 2008): settings."""

from typing import ClassVar

from vmfailover.replication.protocols.pages import PageSettings


class PageWriteProtectSettings(PageSettings):
    """The first store to a page in an epoch faults."""

    code: ClassVar[str] = f"{__name__}.protection:PageWriteProtect"
    fails_back: ClassVar[bool] = True

    @property
    def first_store_ns(self) -> int:
        """A fault."""
        return self.page_tracking.fault
