"""Accesses that are due at instants: settings."""

from typing import Annotated, Literal

from vmfailover.scenario.record import Count
from vmfailover.scenario.units import AboveZero, NoneText, Rate
from vmfailover.scenario.workload import Workload


class PacedWorkload(Workload):
    """A workload that can be held to a rate."""

    rate: Annotated[Annotated[Rate, AboveZero] | None, NoneText] = None
    """Accesses of each vCPU that are due in a second, by a clock that goes on while the VM stands still; those that are
    late follow each other as fast as the processor can. None: it never waits."""
    arrivals: Literal["even", "random"] = "even"
    """Whether accesses are due at equal distances or at random instants, as those of independent clients are."""
    together: Count = 1
    """Accesses that are due at the same instant, one after the other, as those of one request are."""
