"""Several patterns in turn: settings."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from vmfailover.guest.workloads.paced import PacedWorkload
from vmfailover.guest.workloads.synthetic import SyntheticPhase
from vmfailover.scenario.errors import Problem
from vmfailover.scenario.experiment import Experiment
from vmfailover.scenario.record import Integer
from vmfailover.scenario.workload import Instructions


class MixPhase(SyntheticPhase):
    """One pattern for a while."""

    accesses: Annotated[Integer, Field(ge=1, le=10**15)]
    """Length of the phase in memory accesses."""


class MixWorkload(PacedWorkload):
    """Several patterns in turn, over and over."""

    code: ClassVar[str] = f"{__name__}.accesses:mixed_accesses"

    kind: Literal["mix"]
    """Says that this workload is a mix."""
    phases: Annotated[tuple[MixPhase, ...], Field(min_length=1)]
    """The patterns in the order in which they take turns."""

    def problems(self, scenario: Experiment) -> Iterator[Problem]:
        """Yield what does not fit into the VM's memory."""
        for index, phase in enumerate(self.phases):
            for problem in phase.problems_within(scenario.vm.memory):
                yield Problem(("workload", "phases", index, *problem.path), problem.message)

    def instructions(self) -> Iterator[Instructions]:
        """Yield the most instructions between two accesses of each phase."""
        for index, phase in enumerate(self.phases):
            most = phase.most_instructions
            yield Instructions(("phases", index, *most.key), most.what, most.number)
