"""What goes wrong, and what makes a takeover safe."""

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from vmfailover.scenario.errors import Problem, require_fit
from vmfailover.scenario.record import Integer, Record, written
from vmfailover.scenario.units import Duration, NoneText


class Fencing(Record):
    """What makes sure that the primary cannot run the VM any more."""

    kind: Literal["stonith", "none"] = "stonith"
    """Switch the primary's power off; or nothing, at the risk of two active VMs."""
    delay: Duration = written("5 ms")
    """Time from the order to the certainty, in nanoseconds. Assumed."""


class Failure(Record):
    """One fault, at a time or at a point of the protocol."""

    at: Annotated[Duration | None, NoneText] = None
    """When it happens, from the start of the run, in nanoseconds; this or `at_phase`."""
    at_phase: Literal["mid-scan", "mid-harvest", "mid-transfer", "after-staging", "between-commit-and-ack"] | None = (
        None
    )
    """At which point of epoch `epoch` it happens; this or `at`."""
    epoch: Annotated[Integer, Field(ge=0, le=10**9)] | None = None
    """Which epoch `at_phase` means, counted from 0."""
    kind: Literal["host-crash"]
    """What happens: the host stops at once and forgets everything."""
    target: Literal["primary"]
    """Which host it happens to."""

    @model_validator(mode="after")
    def _check_instant(self) -> Self:
        require_fit(self._instant_problems())
        return self

    def _instant_problems(self) -> Iterator[Problem]:
        if (self.at is None) == (self.at_phase is None):
            yield Problem((), "give either 'at: TIME' or 'at_phase: PHASE' with 'epoch: NUMBER'")
        elif self.at is not None and self.epoch is not None:
            yield Problem(("epoch",), "belongs to 'at_phase'; leave it out beside 'at'")
        elif self.at_phase is not None and self.epoch is None:
            yield Problem(("at_phase",), "needs 'epoch: NUMBER' beside it")
