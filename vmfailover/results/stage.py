"""Which stage a failover is in, and how much longer it takes at least."""

from dataclasses import dataclass

import simpy

from vmfailover.cluster.cluster import Cluster
from vmfailover.cluster.observer import Observer
from vmfailover.records.events import Event
from vmfailover.results.quantities import duration
from vmfailover.results.standing_faults import StandingFaults

#: The stage that begins with each kind of event while a failover is under way.
_BEGINS = {
    "failure": "detection",
    "detect": "fencing",
    "fence": "apply",
    "switchover": "apply",
    "failback": "apply",
    "image-complete": "activation",
}
#: Kinds of events after which no failover is under way: the VM runs, or will never.
_ENDS = ("takeover", "returned", "alone", "fencing-failed", "no-quorum", "standby-down", "lost")
#: Kinds of events with which a host that has given another up does not go on without it.
_REFUSES = ("fencing-failed", "no-quorum")
#: Kinds of events from which on no host could take over, until the VM is protected again.
_UNPROTECTS = ("takeover", "alone", "standby-down", "lost")
#: Kinds of events after which it does not matter any more which host could not be fenced.
_SETTLES = ("down", "takeover", "alone", "lost", "protected")


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a failover that has begun."""

    name: str
    since_ns: int


class StageWatch(Observer):
    """Follows the failovers of a run."""

    def __init__(self, env: simpy.Environment) -> None:
        """Begin with none under way."""
        self._env = env
        #: The stage of the failover that is under way; None if there is none.
        self.stage: Stage | None = None
        self._protected = True
        self._standing = StandingFaults()
        self._failed, self._given_up = "", ""
        #: The host that the one with the VM has given up and cannot fence; empty if there is none.
        self.unfenced = ""
        self._over: simpy.Event | None = None

    def over(self) -> simpy.Event:
        """Return what happens when the failover that is under way is over."""
        if self._over is None:
            self._over = self._env.event()
        return self._over

    def event(self, event: Event) -> None:
        """Follow what begins and ends with an event."""
        self._standing.note(event)
        if event.kind in _BEGINS and self._protected and event.host != self._given_up:
            self.stage = Stage(_BEGINS[event.kind], event.time_ns)
        elif self._is_end(event) or self._has_passed(event):
            self._end()
        self._remember(event)
        self._note_fencing(event)
        self._protected = event.kind == "protected" or (self._protected and event.kind not in _UNPROTECTS)

    def _remember(self, event: Event) -> None:
        if event.kind == "failure":
            self._failed = event.host
        elif event.kind == "detect":
            self._given_up = event.detail
        elif event.kind == "protected":
            self._given_up = ""

    def _note_fencing(self, event: Event) -> None:
        if event.kind in _REFUSES and event.detail != self._given_up:
            self.unfenced = event.detail
        elif event.kind in _SETTLES:
            self.unfenced = ""

    def _is_end(self, event: Event) -> bool:
        """Whether an event ends the failover; that the other host cannot be fenced by the one with the VM does not."""
        return event.kind in _ENDS and (event.kind not in _REFUSES or event.detail == self._given_up)

    def _end(self) -> None:
        self.stage = None
        if self._over is not None:
            self._over.succeed()
            self._over = None

    def _has_passed(self, event: Event) -> bool:
        """Whether the failure is over that nobody has noticed yet."""
        unnoticed = self.stage is not None and self.stage.name == "detection"
        return unnoticed and event.kind == "passed" and self._standing.serves(self._failed)


def least_remaining_ns(stage: Stage, cluster: Cluster) -> int:
    """Return how much longer a failover takes at least from now on, by the timers of the scenario, nanoseconds."""
    scenario, activation_ns = cluster.scenario, cluster.pair.protection.activation_ns
    steps, promotion_ns = scenario.failover, scenario.failover.promotion.shortest_ns
    fencing_ns = scenario.quorum.vote_ns + steps.election.shortest_ns + scenario.fencing.one_order_ns
    stages = {
        "detection": (0, fencing_ns + promotion_ns + activation_ns),
        "fencing": (fencing_ns, promotion_ns + activation_ns),
        "apply": (promotion_ns, activation_ns),
        "activation": (activation_ns, 0),
    }
    own_ns, later_ns = stages[stage.name]
    return max(0, own_ns - (int(cluster.env.now) - stage.since_ns)) + later_ns


def remark_on(stage: Stage, cluster: Cluster, given_up: str) -> str:
    """Say in a sentence where a failover stood when the run ended, and why it was, or would be, given up, if it was."""
    what = f"the run ended in the {stage.name} of a failover"
    if given_up:
        return f"{what}, which was not waited for: {given_up}" if cluster.scenario.extend else f"{what}: {given_up}"
    remaining = duration(least_remaining_ns(stage, cluster))
    what = f"{what}, which needs at least {remaining} more"
    return what if cluster.scenario.extend else f"{what}; 'extend: until-takeover' waits for it"
