"""How fast the guest makes progress after a takeover, with cold caches."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import simpy

from vmfailover.cluster.cluster import Cluster
from vmfailover.cluster.observer import Observer
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.records.events import Event, Kind
from vmfailover.results.failovers import first_move
from vmfailover.results.readings import Reading, Readings

#: The guest is back when it keeps this share of its unprotected rate …
RECOVERED = 0.95
#: … for this long, looked at this often. Assumed.
WINDOW_NS = 1_000_000
STEP_NS = 100_000
_WIDTH = WINDOW_NS // STEP_NS
#: Samples after which a guest that is not back is given up, ten seconds. Assumed.
MOST_SAMPLES = 100_000


@dataclass(frozen=True, slots=True)
class Progress:
    """What the guest had executed on the host that took over, at an instant from the takeover on."""

    time_ns: int
    instructions: int
    #: Guest time that the vCPU that serves requests has spent on them.
    served_ns: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a guest does its work when nothing protects it."""

    #: Instructions of all cores for each nanosecond that its program has.
    instructions_per_ns: float
    #: Cores that work; a request takes one of them.
    cores: int

    def needed_ns(self, first: Progress, last: Progress) -> float:
        """Return the time that the guest would have needed for what it has done between two instants."""
        program_ns = (last.instructions - first.instructions) / self.instructions_per_ns
        return program_ns + (last.served_ns - first.served_ns) / self.cores


@dataclass(frozen=True, slots=True)
class WarmUp:
    """How long the guest took to be back at its unprotected rate, and the work that it had not done by then."""

    duration_ns: int
    #: Time that an unprotected guest at its earlier rate would have needed for what was not done meanwhile.
    deficit_ns: float


def pace_before(readings: Sequence[Reading], events: Sequence[Event]) -> Pace | None:
    """Return the pace up to the failure, alarm or evacuation that led to the first takeover.

    None if there was none, or if the guest's program had executed nothing since it was protected there.
    """
    began_ns = first_move(events).began_ns
    last = next((each for each in readings if 0 <= began_ns <= each.time_ns), None)
    if last is None:
        return None
    began = next((each for each in readings if (each.event, each.pair) == ("protected", last.pair)), None)
    executed, time_ns = last.instructions, last.program_ns
    if began is not None:
        executed, time_ns = executed - began.instructions, time_ns - began.program_ns
    return Pace(executed / time_ns, last.working_cores) if executed and time_ns > 0 else None


def warm_up(samples: Sequence[Progress], pace: Pace | None) -> WarmUp | None:
    """Return the warm-up of a guest that was sampled every `STEP_NS` from the takeover on.

    None if the guest was not back at its pace by the last sample, or has none.
    """
    if pace is None:
        return None
    for first, last in zip(samples, samples[_WIDTH:], strict=False):
        if pace.needed_ns(first, last) >= RECOVERED * WINDOW_NS:
            duration_ns = first.time_ns - samples[0].time_ns
            return WarmUp(duration_ns, max(0.0, duration_ns - pace.needed_ns(samples[0], first)))
    return None


class WarmUpMeter(Observer):
    """Samples the progress of the guest after the first takeover, until it is back at its rate or goes elsewhere."""

    def __init__(self, env: simpy.Environment, cluster: Cluster, readings: Readings) -> None:
        """Wait for a takeover; `readings` tell the rate before."""
        self.env = env
        self._cluster = cluster
        self._readings = readings
        self.samples: list[Progress] = []

    def event(self, event: Event) -> None:
        """Begin at the first takeover."""
        if event.kind == Kind.TAKEOVER and not self.samples:
            hosted = self._cluster.pair.secondary
            self._sample(hosted)
            self.env.process(self._watch(hosted))

    def _watch(self, hosted: HostedVm) -> Generator[simpy.Event, None, None]:
        pace = pace_before(self._readings.taken, self._cluster.event_log.events)
        while pace and len(self.samples) < MOST_SAMPLES and warm_up(self.samples[-_WIDTH - 1 :], pace) is None:
            yield self.env.timeout(STEP_NS)
            if self._cluster.active is not hosted:
                return
            self._sample(hosted)

    def _sample(self, hosted: HostedVm) -> None:
        guest = hosted.guest
        self.samples.append(Progress(int(self.env.now), guest.vm.instructions, guest.served_ns))
