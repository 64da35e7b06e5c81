"""One pattern of addresses: settings."""

import math
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from vmfailover.guest.workloads.paced import PacedWorkload
from vmfailover.scenario.errors import Problem, require_fit
from vmfailover.scenario.experiment import Experiment
from vmfailover.scenario.record import Number, Record, written
from vmfailover.scenario.units import SIZE, AboveZero, Fraction, Size
from vmfailover.scenario.workload import Instructions

_SKEW = 0.99
_STRIDE = 64
_IDLE_DEFAULTS = {"working_set": "1 MiB", "instructions_per_access": 100_000.0}


class SyntheticPhase(Record):
    """A stream of memory accesses drawn from one pattern. The defaults are assumed."""

    kind: Literal["zipf", "sequential", "uniform", "pointer-chase", "idle"]
    """The pattern of the addresses; `idle` is an occasional access of an idle operating system."""
    working_set: Annotated[Size, AboveZero] = written("64 MiB")
    """Bytes that the pattern touches (1 MiB if idle)."""
    store_fraction: Fraction = written("30 %")
    """Share of the accesses that are stores."""
    instructions_per_access: Annotated[Number, Field(ge=0.01)] = 3.0
    """Mean instructions from one access to the next (100000 if idle)."""
    skew: Annotated[Number, Field(gt=0, le=100)] = _SKEW
    """Exponent of the popularity of lines; `zipf` only. 0.99 is the constant of YCSB (Cooper et al., SoCC 2010)."""
    stride: Annotated[Size, AboveZero] = written(f"{_STRIDE} B")
    """Bytes from one access to the next; `sequential` only."""
    offset: Size = written("0 B")
    """Where in the VM's memory the working set begins."""

    @model_validator(mode="before")
    @classmethod
    def _idle_defaults(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("kind") == "idle":
            return {**_IDLE_DEFAULTS, **data}
        return data

    @model_validator(mode="after")
    def _check_keys(self) -> Self:
        require_fit(self._misplaced_keys())
        return self

    def _misplaced_keys(self) -> Iterator[Problem]:
        for key, owner, default in (("skew", "zipf", _SKEW), ("stride", "sequential", _STRIDE)):
            if self.kind != owner and getattr(self, key) != default:
                yield Problem((key,), f"belongs to kind '{owner}', and this kind is '{self.kind}'; leave it out")

    def problems_within(self, memory: int) -> Iterator[Problem]:
        """Yield what does not fit into a memory of so many bytes."""
        if self.offset + self.working_set > memory:
            yield Problem(
                ("working_set",),
                f"{SIZE.format(self.working_set)} from offset {SIZE.format(self.offset)} goes beyond "
                f"vm.memory, {SIZE.format(memory)}; make it smaller or the memory larger",
            )
        if self.kind == "sequential" and self.stride > self.working_set:
            yield Problem(("stride",), "larger than the working set; make it smaller")

    @property
    def most_instructions(self) -> Instructions:
        """The most instructions between two accesses."""
        what = "what is executed between two accesses"
        return Instructions(("instructions_per_access",), what, math.ceil(self.instructions_per_access))


class SyntheticWorkload(SyntheticPhase, PacedWorkload):
    """One pattern from beginning to end."""

    code: ClassVar[str] = f"{__name__}.accesses:synthetic_accesses"

    def problems(self, scenario: Experiment) -> Iterator[Problem]:
        """Yield what does not fit into the VM's memory."""
        for problem in self.problems_within(scenario.vm.memory):
            yield Problem(("workload", *problem.path), problem.message)

    def instructions(self) -> Iterator[Instructions]:
        """Yield the most instructions between two accesses."""
        yield self.most_instructions
