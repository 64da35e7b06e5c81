"""How a failure is noticed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import ceil, log
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from vmfailover.scenario.errors import Problem, require_fit
from vmfailover.scenario.presets import apply_preset
from vmfailover.scenario.record import Count, Number, Record, written
from vmfailover.scenario.units import DURATION, AboveZero, Duration, Fraction, NoneText, Size

#: Names that `preset:` may have under `detection`.
DETECTION_PRESETS = ("corosync-3", "kubernetes", "phi-8", "vsphere-ha")

_MS = 1_000_000
#: A chance that nothing is left to.
_NEGLIGIBLE = 1e-12


def _whole_ms(time_ns: int) -> int:
    """Return a time in whole milliseconds, which Corosync counts in, unless there is not one of them."""
    return time_ns // _MS * _MS or time_ns


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the way to a verdict."""

    name: str
    #: How long it takes at most, nanoseconds.
    longest_ns: int
    #: Where that comes from, in the notation of scenarios; nothing if it is a key of its own.
    arithmetic: str = ""


class PhiAccrual(Record):
    """Suspicion from the distribution of the heartbeats' arrivals: phi-accrual (Hayashibara et al., SRDS 2004)."""

    threshold: Annotated[Number, Field(gt=0, le=300)] = 8.0
    """Suspicion at which the host is taken for dead: minus the logarithm of the chance that it lives. Akka: 8."""
    window: Annotated[Count, Field(ge=2)] = 200
    """Times between arrivals that the distribution is estimated from, the latest ones. Akka (max-sample-size)."""
    least_deviation: Duration = written("1 ms")
    """Standard deviation that is assumed at least, in nanoseconds, lest a regular sender be suspected at once.
    Assumed."""
    pause: Duration = written("0 ns")
    """Silence that is forgiven on top of the estimate, in nanoseconds. Akka (acceptable-heartbeat-pause)."""


class Swim(Record):
    """Random probes of one member by another (Das, Gupta, Motivala, DSN 2002)."""

    members: Annotated[Count, Field(ge=2, le=10**5)] = 10
    """Members of the cluster: the two hosts, and others that are well. Assumed."""
    period: Annotated[Duration, AboveZero] = written("1 s")
    """Protocol period, in which each member probes one other, in nanoseconds. memberlist (ProbeInterval)."""
    probe_timeout: Annotated[Duration, AboveZero] = written("100 ms")
    """Time until a probe without an answer is repeated through others, and until that has failed too, in nanoseconds.
    Assumed: a tenth of the period."""
    indirect: Annotated[Number, Field(ge=0)] = 3.0
    """Members that a probe is repeated through, k. memberlist (IndirectChecks)."""
    suspicion: Duration = written("0 ns")
    """Time for a suspected member to refute, which it does if it hears of it, in nanoseconds."""
    dissemination: Duration = written("0 ns")
    """Time until the news has reached the other host from the member that found out, in nanoseconds."""

    @property
    def unprobed(self) -> float:
        """Chance that no member probes a certain one in a period."""
        others = self.members - 1
        return (1 - 1 / others) ** others


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


class Witness(Record):
    """Heartbeats on a way of their own, as over shared storage: they tell a dead host from a dead network."""

    interval: Annotated[Duration, AboveZero] = written("10 ms")
    """Time between two heartbeats on that way, in nanoseconds. Assumed."""
    timeout: Annotated[Duration, AboveZero] = written("30 ms")
    """Silence on both ways after which the host is taken for dead, in nanoseconds. Assumed."""


class Detection(Record):
    """How each host learns that the other is gone."""

    preset: str | None = None
    """Where keys left out come from: corosync-3, kubernetes, phi-8 or vsphere-ha."""
    kind: Literal["heartbeat", "phi-accrual", "swim", "token", "hardware", "witness"] = "heartbeat"
    """heartbeat: the other host reports at intervals, and silence is a failure. phi-accrual: so it is if it is too
    unlikely. swim: members probe each other at random. token: a token does not come back, and the host does not join
    the next membership. hardware: the management controller of the host reports that it is down. witness: heartbeats,
    on the link and on a way of their own."""
    interval: Annotated[Duration, AboveZero] = written("10 ms")
    """heartbeat, phi-accrual, witness: time between two heartbeats, in nanoseconds. Assumed."""
    timeout: Annotated[Duration, AboveZero] = written("30 ms")
    """heartbeat, witness: silence after which the host is taken for dead, in nanoseconds. Assumed: three heartbeats."""
    message: Annotated[Size, AboveZero] = written("64 B")
    """Bytes of a heartbeat, or of the token. Assumed."""
    delay: Duration = written("1 ms")
    """hardware: time from a host going down to the report, in nanoseconds. Assumed."""
    confirmation: Duration = written("0 ns")
    """Time for which the host has to stay silent from then on, in nanoseconds; one that is heard again in it, on the
    link or with the witness, is forgiven."""
    phi: PhiAccrual = PhiAccrual()
    """Of phi-accrual."""
    swim: Swim = Swim()
    """Of swim."""
    token: Token = Token()
    """Of token."""
    witness: Witness = Witness()
    """Of witness."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What a host passes through on the way to a verdict on the other, in order; those that take no time left out.

        It is listened to in each but the first, and forgiven if it is heard.
        """
        stages = (*_STAGES[self.kind](self), Stage("confirmation", self.confirmation))
        return tuple(stage for stage in stages if stage.longest_ns)

    @property
    def latest_ns(self) -> int:
        """Time within which a crash is noticed, but for bad luck: nanoseconds."""
        luck = {"swim": 10 * self.swim.period, "token": 5 * self.token.join}.get(self.kind, 0)
        return self._stages_ns + luck

    @property
    def longest_ns(self) -> int:
        """Time within which a crash is noticed, but for one chance in 10^12: nanoseconds."""
        unlucky = {
            "swim": _most_rounds(self.swim.unprobed) * self.swim.period,
            "token": _most_rounds(self.token.disagreement) * self.token.join,
        }
        return self._stages_ns + unlucky.get(self.kind, 0)

    @property
    def _stages_ns(self) -> int:
        return sum(stage.longest_ns for stage in self.stages) + self.interval

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, data: Any) -> Any:
        return apply_preset(data, DETECTION_PRESETS) if isinstance(data, dict) else data


def _most_rounds(chance: float) -> int:
    """Return after how many rounds what lasts for another round by this chance is over, but for 1 in 10^12."""
    return ceil(log(_NEGLIGIBLE) / log(chance)) if chance else 1


def _silence(detection: Detection) -> Iterator[Stage]:
    yield Stage("silence", detection.timeout, f"less up to {DURATION.format(detection.interval)} since a heartbeat")


def _unlikely_silence(detection: Detection) -> Iterator[Stage]:
    phi = detection.phi
    deviation = max(detection.interval // 4, phi.least_deviation)
    longest_ns = detection.interval + round(2 * phi.threshold) * deviation + phi.pause
    yield Stage("silence", longest_ns, "or sooner, by what has been heard")


def _probes(detection: Detection) -> Iterator[Stage]:
    swim = detection.swim
    timeout = DURATION.format(swim.probe_timeout)
    yield Stage("probe", 2 * swim.probe_timeout, f"directly and through others, {timeout} each; one comes in a period")
    yield Stage("suspicion", swim.suspicion)
    yield Stage("dissemination", swim.dissemination, "unless the other host finds out itself")


def _token(detection: Detection) -> Iterator[Stage]:
    token = detection.token
    further = token.members - 2
    sum_of = f"{DURATION.format(token.token)} + {further} × {DURATION.format(token.coefficient)}, " if further else ""
    yield Stage("token", token.timeout_ns, f"{sum_of}less up to {DURATION.format(token.hold_ns)} since it was here")
    times = "" if token.consensus else f"1.2 × {DURATION.format(token.timeout_ns)}"
    yield Stage("consensus", token.consensus_ns, times)
    if further:
        yield Stage("membership", token.reform, f"and {DURATION.format(token.join)} for each round without agreement")


def _report(detection: Detection) -> Iterator[Stage]:
    yield Stage("report", detection.delay)


def _two_silences(detection: Detection) -> Iterator[Stage]:
    yield from _silence(detection)
    yield Stage("witness", max(0, detection.witness.timeout - detection.timeout), "until it has been silent as long")


_STAGES: dict[str, Callable[[Detection], Iterator[Stage]]] = {
    "heartbeat": _silence,
    "phi-accrual": _unlikely_silence,
    "swim": _probes,
    "token": _token,
    "hardware": _report,
    "witness": _two_silences,
}
