"""What goes wrong, and what makes a takeover safe."""

import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from vmfailover.records.roles import Role
from vmfailover.scenario.errors import Problem, require_fit, shown
from vmfailover.scenario.kinds import Kinds, Section
from vmfailover.scenario.record import Count, Flag, Integer, Number, Record, written
from vmfailover.scenario.reprotection import SPARE
from vmfailover.scenario.units import AboveZero, Duration, NoneText


class Fencing(Section):
    """What makes sure that the primary cannot run the VM any more."""

    kinds: ClassVar["Kinds[Fencing]"] = Kinds("vmfailover.fencing", "vmfailover.failover.fencing")
    takes_values_of_others: ClassVar[bool] = True
    #: Whether it stops the other host at all.
    fences: ClassVar[bool] = True

    kind: str = "stonith"
    """stonith: switch the other host's power off. shared-storage: test and set a reservation on a disk that both
    share; the host that loses it can write no more and stops. witness: ask a third party for its vote, which the first
    to ask gets; the other's watchdog stops it when its lease is not renewed. watchdog: a host without quorum resets
    itself, and the other waits for that. none: nothing, at the risk of two active VMs."""
    delay: Duration = written("5 ms")
    """Time from the order to its confirmation, or to the answer of the disk or the witness, in nanoseconds. When in it
    the order arrives, and the power goes off, is chance. Assumed."""
    priority_delay: Duration = written("0 ns")
    """Time that the host without the VM waits before it fences, so that the one with it wins if the network between
    them is cut, in nanoseconds; it has to be longer than `delay`. Pacemaker (priority-fencing-delay)."""
    host_delay: dict[str, Duration] = Field(default_factory=dict)
    """Time that each of these hosts waits before it fences, by their names, as in {secondary: 2 s}, in nanoseconds.
    Pacemaker (pcmk_delay_base of the other host's device)."""
    random_delay: Duration = written("0 ns")
    """Longest time that each host waits before it fences, as chance decides, in nanoseconds. Pacemaker
    (pcmk_delay_max)."""

    @property
    def latest_ns(self) -> int:
        """Time within which either host fences the other if any order succeeds, nanoseconds."""
        return max(map(self.longest_ns, ("", *self.host_delay)))

    def longest_ns(self, host: str) -> int:
        """Return the time that a host takes at most to fence the other, if any order succeeds, nanoseconds."""
        return self.priority_delay + self.random_delay + self.host_delay.get(host, 0) + self.orders_ns

    def shortest_ns(self, host: str) -> int:
        """Return the time that a host takes at least to fence the other, nanoseconds."""
        return self.priority_delay + self.host_delay.get(host, 0) + self.one_order_ns

    @property
    def one_order_ns(self) -> int:
        """Time of an order that succeeds at once, nanoseconds."""
        return self.delay

    @property
    def orders_ns(self) -> int:
        """Time from the first order until the host is fenced, if any order succeeds, nanoseconds."""
        return self.one_order_ns

    @property
    def old_host_yields(self) -> bool:
        """Whether a host gives its VM up when it hears that another one has taken over."""
        return False

    @property
    def watchdog_ns(self) -> int | None:
        """Time without quorum after which a host's own watchdog resets it, nanoseconds; None if it has none."""
        return None

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        unknown = (name for name in self.host_delay if not re.fullmatch(_HOST_NAME, name))
        message = "is the name of no host; write primary, secondary or spare-1, spare-2, …"
        require_fit(Problem(("host_delay", name), message, on_key=True) for name in unknown)
        return self


_HOST_NAME = "|".join((*Role, SPARE))
#: What faults of hosts, and faults of the link, can strike.
HOSTS = (Role.PRIMARY.value, Role.SECONDARY.value, "active", "standby")
LINK = ("both", "forward", "backward")
#: Takes back what a fault does.
Undo = Callable[[], None]
_OF_AN_EPOCH = ("mid-scan", "mid-harvest", "mid-transfer", "after-staging", "between-commit-and-ack")


class RandomInstant(Record):
    """An instant drawn from a distribution, anew for each seed."""

    distribution: Literal["exponential", "weibull", "uniform", "instants"] = "exponential"
    """The distribution of the time from the start of the run; or one of some instants, each as likely."""
    mean: Annotated[Duration, AboveZero] = written("100 ms")
    """Mean of the distribution, or the middle of a uniform one that begins at 0, in nanoseconds."""
    shape: Annotated[Number, Field(gt=0, le=100)] = 1.5
    """Shape of a Weibull distribution: above 1, failures become more likely with age. Assumed."""
    instants: tuple[Duration, ...] = ()
    """The instants to choose from, in nanoseconds."""

    @model_validator(mode="after")
    def _check_instants(self) -> Self:
        if (self.distribution == "instants") != bool(self.instants):
            message = "give 'instants: [TIME, …]' with 'distribution: instants', and only then"
            require_fit([Problem(("instants",), message)])
        return self


class Failure(Section):
    """One fault: at a time, at a random one, or at a point of the protocol."""

    kinds: ClassVar["Kinds[Failure]"] = Kinds("vmfailover.faults", "vmfailover.failover.faults")
    takes_values_of_others: ClassVar[bool] = True
    #: What it can strike; the first is what it does if the scenario does not say.
    targets: ClassVar[tuple[str, ...]] = HOSTS
    #: Whether it happens to the link, and not to hosts.
    strikes_link: ClassVar[bool] = False
    #: Whether it ends by itself, or can.
    passes: ClassVar[bool] = False
    #: Whether it ends the service of the host that it strikes.
    fatal: ClassVar[bool] = False
    #: Whether a host that it has struck is gone until it is repaired.
    once: ClassVar[bool] = False
    #: What has become of a host that it has struck, as in `the primary crashed`.
    happened: ClassVar[str] = "failed"

    at: Annotated[Duration | None, NoneText] = None
    """When it happens, from the start of the run, in nanoseconds; this, `at_random` or `at_phase`."""
    at_random: Annotated[RandomInstant | None, NoneText] = None
    """When it happens, if that is left to chance."""
    at_phase: (
        Literal[
            "mid-scan",
            "mid-harvest",
            "mid-transfer",
            "after-staging",
            "between-commit-and-ack",
            "failure",
            "detection",
            "fencing",
            "takeover",
            "synchronisation",
            "re-protection",
            "failback",
        ]
        | None
    ) = None
    """At which point it happens: of epoch `epoch`, or of the first failover, at whose steps it may strike again, or of
    the return to two hosts: when synchronisation begins, when the VM is protected, when it is stopped to move back."""
    epoch: Annotated[Integer, Field(ge=0, le=10**9)] | None = None
    """Which epoch `at_phase` means, counted from 0; not for the points of a failover."""
    delay: Duration = written("0 ns")
    """How long after `at`, `at_random` or `at_phase` it happens, in nanoseconds."""
    fixed: Flag = False
    """Whether it happens then in every replication; if not, up to an epoch later in all but the first. For `at`."""
    kind: str
    """What happens. host-crash: the host stops at once and forgets everything. power-loss: both do. vm-crash: the VM's
    process dies, and what it has given to the network still leaves. memory-error: so does it die, of an uncorrectable
    error, which the host reports at once. hypervisor-hang: everything but the virtual processors stands still.
    slow-host: everything takes longer, heartbeats do not (a gray failure). network-loss: the host loses some planes of
    its network. isolation: it loses all of them. all-paths-down: it does not reach the
    VM's storage. storage-loss: that is gone for good, and the host is told. link-cut, link-loss, link-slow: the link
    between the hosts lets nothing through, loses frames, or is slower."""
    target: str | None = None
    """Which host it happens to: primary, secondary, spare-1, …, whatever its role is then, or active or standby, the
    host with the VM or the other one; which direction of the link: forward, from the host with the VM, or backward; or
    both."""
    lasts: Annotated[Annotated[Duration, AboveZero] | None, NoneText] = None
    """How long it lasts, in nanoseconds; none is for ever. For a hang, a slow host, the network, paths and the
    link."""
    repeat: Annotated[Count, Field(le=10**6)] = 1
    """How often it happens: a flapping link."""
    every: Annotated[Annotated[Duration, AboveZero] | None, NoneText] = None
    """Time from one of the repetitions to the next, in nanoseconds."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        require_fit([*self._instant_problems(), *self._target_problems(), *self._repeat_problems()])
        return self

    @property
    def struck(self) -> str:
        """Which host or direction of the link it happens to."""
        return self.target or self.targets[0]

    @property
    def slowdown(self) -> float:
        """How many times as long everything takes on a host that it has struck."""
        return 1.0

    @property
    def reported_ns(self) -> int:
        """Time after which a host that works on otherwise reports it, nanoseconds."""
        return 0

    def strike(self, part: Any, report: Callable[[str], None]) -> Undo | None:
        """Do the damage to a host, or to one direction of the link; return what takes it back, if anything does.

        `report` lets the other host know at once that the one of this name has failed.
        """
        raise NotImplementedError

    def _instant_problems(self) -> Iterator[Problem]:
        given = [self.at, self.at_random, self.at_phase]
        if sum(each is not None for each in given) != 1:
            yield Problem(
                (), "give either 'at: TIME', 'at_random: {…}', or 'at_phase: PHASE' with 'epoch: NUMBER' for an epoch's"
            )
        elif self.at_phase in _OF_AN_EPOCH and self.epoch is None:
            yield Problem(("at_phase",), "needs 'epoch: NUMBER' beside it")
        elif self.fixed and self.at is None:
            yield Problem(("fixed",), "belongs to 'at'; leave it out")
        elif self.epoch is not None and self.at_phase not in _OF_AN_EPOCH:
            yield Problem(("epoch",), "belongs to a phase of an epoch in 'at_phase'; leave it out")

    def _target_problems(self) -> Iterator[Problem]:
        possible = self.targets
        spare = possible == HOSTS and re.fullmatch(SPARE, self.target or "")
        if self.target is not None and self.target not in possible and not spare:
            yield Problem(
                ("target",), f"{shown(self.target)} cannot be struck by {self.kind}; write {' or '.join(possible)}"
            )
        if self.lasts is not None and not self.passes:
            yield Problem(("lasts",), f"a {self.kind} does not pass; leave it out")

    def _repeat_problems(self) -> Iterator[Problem]:
        if (self.repeat > 1) != (self.every is not None):
            yield Problem(("every",), "belongs to 'repeat', and a 'repeat' above 1 needs it")
        elif self.every is not None and (self.lasts is None or self.lasts >= self.every):
            yield Problem(("lasts",), "give a time shorter than 'every', so that it ends before it comes again")


def is_fatal(kind: str) -> bool:
    """Whether a kind of fault ends the service of the host that it strikes."""
    return kind in Failure.kinds and Failure.kinds[kind].fatal
