"""The page-modification log (Intel PML): settings."""

from typing import ClassVar

from vmfailover.replication.protocols.pages import PageSettings


class PageModificationLogSettings(PageSettings):
    """The processor writes the address of each page that turns dirty to a buffer."""

    code: ClassVar[str] = f"{__name__}.protection:PageModificationLog"
    fails_back: ClassVar[bool] = True
