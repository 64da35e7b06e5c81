"""Dirty bits in the page tables (x86 accessed/dirty bits): settings."""

from typing import ClassVar

from vmfailover.replication.protocols.pages import PageSettings


class PageDirtyBitsSettings(PageSettings):
    """Stores cost nothing, a checkpoint walks all the tables."""

    code: ClassVar[str] = f"{__name__}.protection:PageDirtyBits"
    fails_back: ClassVar[bool] = True
