"""How a failure is noticed."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from vmfailover.scenario.presets import apply_preset
from vmfailover.scenario.record import Count, Number, Record, written
from vmfailover.scenario.units import AboveZero, Duration, Size

#: Names that `preset:` may have under `detection`.
DETECTION_PRESETS = ("corosync-3", "kubernetes", "phi-8", "vsphere-ha")


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
    """Time for a suspected member to refute, in nanoseconds."""
    dissemination: Duration = written("0 ns")
    """Time until the news has reached the other host from the member that found out, in nanoseconds."""


class Token(Record):
    """A token that circulates (Corosync, corosync.conf(5))."""

    members: Annotated[Count, Field(ge=2, le=10**4)] = 2
    """Nodes of the cluster."""
    token: Annotated[Duration, AboveZero] = written("3 s")
    """Time without the token after which it is lost, in nanoseconds. corosync.conf(5), 3.1.7."""
    coefficient: Duration = written("650 ms")
    """What each node beyond two adds to that, in nanoseconds. corosync.conf(5), 3.1.7."""
    reform: Duration = written("50 ms")
    """Time to form a new membership, in nanoseconds. corosync.conf(5): join, 50 ms."""


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
    unlikely. swim: members probe each other at random. token: a token does not come back. hardware: the management
    controller of the host reports that it is down. witness: heartbeats, on the link and on a way of their own."""
    interval: Annotated[Duration, AboveZero] = written("10 ms")
    """Time between two heartbeats, or two visits of the token, in nanoseconds. Assumed."""
    timeout: Annotated[Duration, AboveZero] = written("30 ms")
    """heartbeat, witness: silence after which the host is taken for dead, in nanoseconds. Assumed: three heartbeats."""
    message: Annotated[Size, AboveZero] = written("64 B")
    """Bytes of a heartbeat. Assumed."""
    delay: Duration = written("1 ms")
    """hardware: time from a host going down to the report, in nanoseconds. Assumed."""
    confirmation: Duration = written("0 ns")
    """Time from the verdict until something is done about it, in nanoseconds."""
    phi: PhiAccrual = PhiAccrual()
    """Of phi-accrual."""
    swim: Swim = Swim()
    """Of swim."""
    token: Token = Token()
    """Of token."""
    witness: Witness = Witness()
    """Of witness."""

    @property
    def latest_ns(self) -> int:
        """Time within which a crash is noticed, but for bad luck: nanoseconds."""
        phi, swim, token = self.phi, self.swim, self.token
        deviation = max(self.interval // 4, phi.least_deviation)
        noticed = {
            "heartbeat": self.timeout,
            "phi-accrual": self.interval + round(2 * phi.threshold) * deviation + phi.pause,
            "swim": 10 * swim.period + 2 * swim.probe_timeout + swim.suspicion + swim.dissemination,
            "token": token.token + max(0, token.members - 2) * token.coefficient + token.reform,
            "hardware": self.delay,
            "witness": max(self.timeout, self.witness.timeout),
        }[self.kind]
        return noticed + self.interval + self.confirmation

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, data: Any) -> Any:
        return apply_preset(data, DETECTION_PRESETS) if isinstance(data, dict) else data
