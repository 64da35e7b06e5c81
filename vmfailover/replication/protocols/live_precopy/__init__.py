"""Live pre-copy (Clark et al., NSDI 2005): settings, beside those of every copy of a running VM (`precopy`)."""

from typing import ClassVar

from vmfailover.replication.protocols.pages import PageSettings


class LivePrecopySettings(PageSettings):
    """A planned evacuation while the VM runs, and the stop at its end."""

    code: ClassVar[str] = f"{__name__}.protection:LivePrecopy"
    replicates: ClassVar[bool] = False
    makes_checkpoints: ClassVar[bool] = False
    reprotects: ClassVar[bool] = False
    evacuates: ClassVar[bool] = True
    epoch_key: ClassVar[str | None] = None
    unused: ClassVar[frozenset[str]] = PageSettings.unused - {"precopy"} | {
        *("checkpoint_interval", "copier", "acknowledge", "next_checkpoint")
    }
