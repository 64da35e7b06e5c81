"""Undo logs (ReVive, SafetyNet): settings."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from vmfailover.scenario.errors import Problem
from vmfailover.scenario.experiment import Experiment
from vmfailover.scenario.record import Record
from vmfailover.scenario.replication import Replication


class UndoLogSpec(Record):
    """The old contents of modified lines: undo-log."""

    placement: Literal["mirrored", "local"] = "mirrored"
    """Where memory and log survive: in the other host's memory, which mirrors both (ReVive); or where they are, in
    memory that outlives its host, such as a battery-backed or pooled one, which the other host then takes over."""


class UndoLogSettings(Replication):
    """The first store to a line in an interval logs what it overwrites."""

    code: ClassVar[str] = f"{__name__}.protection:UndoLog"
    uses_log: ClassVar[bool] = True
    keeps_undo: ClassVar[bool] = True
    fails_back: ClassVar[bool] = True
    unused: ClassVar[frozenset[str]] = Replication.unused | {"transfer", "acknowledge"}

    undo_log: UndoLogSpec = UndoLogSpec()
    """Of undo-log."""

    def problems(self, scenario: Experiment) -> Iterator[Problem]:
        """Yield a problem where two hosts may run the VM in one memory."""
        if self.undo_log.placement == "local" and not scenario.fencing.fences:
            yield Problem(
                ("fencing", "kind"),
                "a local undo log is of the memory in which the primary may still run the VM; write stonith",
            )
