"""How fast the guest makes progress after a takeover, with cold caches."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import simpy

from vmfailover.cluster import Cluster
from vmfailover.journal import Event
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


@dataclass(frozen=True, slots=True)
class WarmUp:
    """How long the guest took to be back at its unprotected rate, and the work that it had not done by then."""

    duration_ns: int
    #: Time that an unprotected guest at its earlier rate would have needed for what was not done meanwhile.
    deficit_ns: float


def unprotected_rate(readings: Sequence[Reading]) -> float:
    """Return the instructions per nanosecond of time without protection, up to the last of the first pair's readings.

    `readings` are those up to the failure, or to whatever led to the takeover. 0 if the guest had executed nothing.
    """
    last = readings[-1]
    began = next((each for each in readings if (each.event, each.pair) == ("protected", last.pair)), None)
    executed, time_ns = last.instructions, last.unprotected_ns
    if began is not None:
        executed, time_ns = executed - began.instructions, time_ns - began.unprotected_ns
    return executed / time_ns if executed else 0.0


def warm_up(samples: Sequence[Progress], rate: float) -> WarmUp | None:
    """Return the warm-up of a guest that was sampled every `STEP_NS` from the takeover on.

    `rate` is in instructions per nanosecond. None if the guest was not back by the last sample, or has no rate.
    """
    for first, last in zip(samples, samples[_WIDTH:], strict=False):
        if rate and last.instructions - first.instructions >= RECOVERED * rate * WINDOW_NS:
            duration_ns = first.time_ns - samples[0].time_ns
            done_ns = (first.instructions - samples[0].instructions) / rate
            return WarmUp(duration_ns, max(0.0, duration_ns - done_ns))
    return None


class WarmUpMeter:
    """Samples the progress of the guest after the first takeover, until it is back at its rate."""

    def __init__(self, env: simpy.Environment, cluster: Cluster, readings: Readings) -> None:
        """Wait for a takeover; `readings` tell the rate before."""
        self.env = env
        self._cluster = cluster
        self._readings = readings
        self.samples: list[Progress] = []
        cluster.journal.on("takeover", self._begin)

    def _begin(self, takeover: Event) -> None:
        """Look at the first takeover only."""
        del takeover
        if not self.samples:
            self._sample()
            self.env.process(self._watch())

    def _watch(self) -> Generator[simpy.Event, None, None]:
        rate = rate_before(self._readings.taken, self._cluster.journal.events)
        while rate and len(self.samples) < MOST_SAMPLES and warm_up(self.samples[-_WIDTH - 1 :], rate) is None:
            yield self.env.timeout(STEP_NS)
            self._sample()

    def _sample(self) -> None:
        self.samples.append(Progress(int(self.env.now), self._cluster.pair.secondary.vm.instructions))


def rate_before(readings: Sequence[Reading], events: Sequence[Event]) -> float:
    """Return the unprotected rate up to the failure, alarm or evacuation that led to the first takeover."""
    began_ns = first_move(events).began_ns
    number = next(number for number, each in enumerate(readings) if each.time_ns >= began_ns)
    return unprotected_rate(readings[: number + 1])
