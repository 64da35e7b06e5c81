"""Totem, as Corosync has it: settings."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from vmfailover.scenario.detection import Detection, Stage, most_rounds
from vmfailover.scenario.errors import Problem, require_fit
from vmfailover.scenario.record import Count, Record, written
from vmfailover.scenario.units import DURATION, AboveZero, Duration, Fraction, NoneText

_MS = 1_000_000


def _whole_ms(time_ns: int) -> int:
    """Return a time in whole milliseconds, which Corosync counts in, unless there is not one of them."""
    return time_ns // _MS * _MS or time_ns


class Token(Record):
    """A token that circulates: Totem, as Corosync 3.1.7 has it (corosync.conf(5), exec/totemconfig.c)."""

    members: Annotated[Count, Field(ge=2, le=10**4)] = 2
    """Nodes of the cluster: the two hosts, and others that are well."""
    token: Annotated[Duration, AboveZero] = written("3 s")
    """Time without the token after which it is lost, in nanoseconds. corosync.conf(5)."""
    coefficient: Duration = written("650 ms")
    """What each node beyond two adds to that, in nanoseconds. corosync.conf(5): token_coefficient."""
    hold: Annotated[Annotated[Duration, AboveZero] | None, NoneText] = None
    """Time for which a node holds the token while there is nothing to send, in nanoseconds; none, as Corosync computes
    it: 0.8 of the time after which a token is sent again, less 10 ms, which is about 0.19 of the token timeout."""
    consensus: Annotated[Annotated[Duration, AboveZero] | None, NoneText] = None
    """Time for which a node that has lost the token waits for others to join the next membership, in nanoseconds; none,
    as Corosync computes it: 1.2 times the token timeout. corosync.conf(5)."""
    join: Annotated[Duration, AboveZero] = written("50 ms")
    """Time between two messages that ask who joins, in nanoseconds. corosync.conf(5)."""
    reform: Duration = written("2 ms")
    """Time in which the survivors, if there are several, form the membership that they agree on, in nanoseconds.
    Measured on Corosync 3.1.7: 0 to 4 ms."""
    disagreement: Annotated[Fraction, Field(lt=1)] = written("13 %")
    """Share of the rounds after which survivors, if there are several, do not agree yet and have to ask once more.
    Measured on Corosync 3.1.7: 2 of 15 memberships."""

    @property
    def timeout_ns(self) -> int:
        """Time without the token after which it is lost, in a cluster of this size."""
        return self.token + (self.members - 2) * self.coefficient

    @property
    def retransmission_ns(self) -> int:
        """Time without the next one after which a token is sent again: four times before it is lost."""
        return _whole_ms(self.timeout_ns * 5 // 21)

    @property
    def hold_ns(self) -> int:
        """Time for which a node holds the token; Corosync's formula is for timeouts of 200 ms at least."""
        if self.hold is not None:
            return self.hold
        return _whole_ms(max(self.retransmission_ns * 4 // 5 - 10 * _MS, self.retransmission_ns * 3 // 5))

    @property
    def consensus_ns(self) -> int:
        """Time for others to join the next membership."""
        return self.timeout_ns * 6 // 5 if self.consensus is None else self.consensus

    @model_validator(mode="after")
    def _check_hold(self) -> Self:
        if self.hold_ns >= self.timeout_ns:
            longest = DURATION.format(self.timeout_ns)
            message = (
                f"a living host would lose the token; write less than the {longest} after which it is lost, or none"
            )
            require_fit([Problem(("hold",), message)])
        return self


class TokenSettings(Detection):
    """A token does not come back, and the host does not join the next membership."""

    code: ClassVar[str] = f"{__name__}.detector:TokenDetector"
    unused: ClassVar[frozenset[str]] = frozenset({"interval", "timeout"})

    token: Token = Token()
    """Of token."""

    def own_stages(self) -> Iterator[Stage]:
        """Yield the loss of the token, and the next membership."""
        token = self.token
        further = token.members - 2
        sum_of = (
            f"{DURATION.format(token.token)} + {further} × {DURATION.format(token.coefficient)}, " if further else ""
        )
        since = f"{sum_of}less up to {DURATION.format(token.hold_ns)} since it was here"
        yield Stage("token", token.timeout_ns, since, token.timeout_ns - token.hold_ns)
        times = "" if token.consensus else f"1.2 × {DURATION.format(token.timeout_ns)}"
        yield Stage("consensus", token.consensus_ns, times)
        if further:
            rounds = f"and {DURATION.format(token.join)} for each round without agreement"
            yield Stage("membership", token.reform, rounds)

    @property
    def bad_luck_ns(self) -> int:
        """Rounds without agreement."""
        return 5 * self.token.join

    @property
    def worst_luck_ns(self) -> int:
        """Rounds without agreement."""
        return most_rounds(self.token.disagreement) * self.token.join
