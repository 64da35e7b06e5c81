"""Cold restart (vSphere HA, Kubernetes, Pacemaker): settings, beside those of every restart (`restart`)."""

from typing import ClassVar

from vmfailover.scenario.replication import Replication


class ColdRestartSettings(Replication):
    """Nothing is replicated, the VM starts again on the other host."""

    code: ClassVar[str] = f"{__name__}.protection:ColdRestart"
    replicates: ClassVar[bool] = False
    makes_checkpoints: ClassVar[bool] = False
    needs_copy: ClassVar[bool] = False
    reprotects: ClassVar[bool] = False
    epoch_key: ClassVar[str | None] = None
    unused: ClassVar[frozenset[str]] = Replication.unused | {
        *("checkpoint_interval", "scan_interval", "granularity", "log", "copier", "transfer", "hypervisor_writes"),
        *("batch", "compression", "acknowledge", "next_checkpoint"),
    }
