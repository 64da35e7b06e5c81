"""How a failure is noticed."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log
from typing import Annotated, ClassVar

from vmfailover.scenario.kinds import Kinds, Section
from vmfailover.scenario.record import written
from vmfailover.scenario.units import AboveZero, Duration, Size

#: Names that `preset:` may have under `detection`.
DETECTION_PRESETS = (
    "corosync-3",
    "hyper-v",
    "keepalived",
    "kubernetes",
    "kubernetes-1.32",
    "kubevirt",
    "pacemaker-2-node",
    "phi-8",
    "proxmox-ha",
    "sentinel",
    "vsphere-ha",
)
#: A chance that nothing is left to.
_NEGLIGIBLE = 1e-12


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the way to a verdict."""

    name: str
    #: How long it takes at most, from the last sign of life or the stage before, nanoseconds.
    longest_ns: int
    #: Where that comes from, in the notation of scenarios; nothing if it is a key of its own.
    arithmetic: str = ""
    #: How long it takes at least, nanoseconds; None if as long as at most.
    shortest_ns: int | None = None

    @property
    def least_ns(self) -> int:
        """How long it takes at least, nanoseconds."""
        return self.longest_ns if self.shortest_ns is None else self.shortest_ns


class Detection(Section):
    """How each host learns that the other is gone."""

    kinds: ClassVar["Kinds[Detection]"] = Kinds(
        "vmfailover.detectors", "vmfailover.failover.detection", presets=DETECTION_PRESETS
    )

    takes_values_of_others: ClassVar[bool] = True

    preset: str | None = None
    """Where keys left out come from, those of `fencing` and `failover` too: a name that `vmfailover presets` lists, or
    the path of a file, relative to the scenario's folder."""
    kind: str = "heartbeat"
    """heartbeat: the other host reports at intervals, and silence is a failure. phi-accrual: so it is if it is too
    unlikely. swim: members probe each other at random. token: a token does not come back, and the host does not join
    the next membership. sentinel: sentinels ping it, and agree that it is down. hardware: the management controller of
    the host reports that it is down. witness: heartbeats, on the link and on a way of their own."""
    interval: Annotated[Duration, AboveZero] = written("10 ms")
    """heartbeat, phi-accrual, witness: time between two heartbeats, in nanoseconds. Assumed."""
    timeout: Annotated[Duration, AboveZero] = written("30 ms")
    """heartbeat, witness: silence after which the host is taken for dead, in nanoseconds. Assumed: three heartbeats."""
    message: Annotated[Size, AboveZero] = written("64 B")
    """Bytes of a heartbeat, or of the token. Assumed."""
    confirmation: Duration = written("0 ns")
    """Time for which the host has to stay silent from then on, in nanoseconds; one that is heard again in it, on the
    link or with the witness, is forgiven."""

    @property
    def stages(self) -> tuple[Stage, ...]:
        """What a host passes through on the way to a verdict on the other, in order; those that take no time left out.

        It is listened to in each but the first, and forgiven if it is heard.
        """
        stages = (*self.own_stages(), Stage("confirmation", self.confirmation))
        return tuple(stage for stage in stages if stage.longest_ns)

    @property
    def latest_ns(self) -> int:
        """Time within which a crash is noticed, but for bad luck: nanoseconds."""
        return self._stages_ns + self.bad_luck_ns

    @property
    def longest_ns(self) -> int:
        """Time within which a crash is noticed, but for one chance in 10^12: nanoseconds."""
        return self._stages_ns + self.worst_luck_ns

    def own_stages(self) -> Iterator[Stage]:
        """Yield the stages before the confirmation."""
        yield from ()

    @property
    def bad_luck_ns(self) -> int:
        """Time by which bad luck delays a verdict, nanoseconds."""
        return 0

    @property
    def worst_luck_ns(self) -> int:
        """Time by which luck delays a verdict, but for one chance in 10^12, nanoseconds."""
        return 0

    @property
    def between_signs_ns(self) -> int:
        """Time from one sign of life to the next, where hosts give them by themselves, nanoseconds."""
        return 0

    @property
    def _stages_ns(self) -> int:
        return sum(stage.longest_ns for stage in self.stages) + self.between_signs_ns


def most_rounds(chance: float) -> int:
    """Return after how many rounds what lasts for another round by this chance is over, but for 1 in 10^12."""
    return ceil(log(_NEGLIGIBLE) / log(chance)) if chance else 1
