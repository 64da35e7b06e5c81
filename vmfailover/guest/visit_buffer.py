"""The visits at hand of every vCPU of a sampled guest, refilled as they are used up."""

from collections.abc import Iterator, Sequence

import numpy as np

from vmfailover.guest.placement import Placement
from vmfailover.guest.workloads.hot_sets.units import SampledHotSets, UnitVisits
from vmfailover.hardware.cache.state import LogState, Stop
from vmfailover.hardware.processor import Processor
from vmfailover.hardware.sampled.processor import SampledProcessor
from vmfailover.hardware.sampled.visits import VisitsAtHand


class VisitBuffer:
    """What a sampled VM's cores execute next."""

    def __init__(
        self, workload: SampledHotSets, positions: Sequence[int], placement: Placement, processor: Processor
    ) -> None:
        """Start vCPU v of a VM that has a host for itself at position `positions[v]`."""
        assert isinstance(processor, SampledProcessor)
        self._processor = processor
        self._cores = placement.cores
        self._streams = [workload.visits(vcpu, position) for vcpu, position in enumerate(positions)]
        cores = processor.cores
        self._visits = _room(cores, 0)
        self._visits.end[list(self._cores)] = positions
        #: int64[cores]: the next visit of each core, an index into its row of what is at hand.
        self._start = np.zeros(cores, np.int64)

    def position(self, vcpu: int) -> int:
        """Return the position of the vCPU's next visit."""
        core, visits = self._cores[vcpu], self._visits
        here = int(self._start[core])
        return int(visits.position[core, here] if here < visits.length[core] else visits.end[core])

    def tick_ns(self, vcpu: int) -> int:
        """Return the guest time before which the vCPU's next visit does not begin."""
        return self._processor.tick_ns(self.position(vcpu))

    def advance(self, deadline_fs: int, quantum: int, logs: LogState) -> Stop:
        """Execute the visits at hand as the processor's `advance_visits` says."""
        del logs
        return self._processor.advance_visits(self._visits, self._start, deadline_fs, quantum)

    def bring(self, vcpu: int) -> None:
        """Bring the vCPU's next visits, all earlier ones being executed."""
        core, brought = self._cores[vcpu], next(self._streams[vcpu])
        if brought.unit.size > self._visits.unit.shape[1]:
            self._visits = _grown(self._visits, 2 * brought.unit.size)
        put(self._visits, core, brought)
        self._start[core] = 0


class VisitReplay:
    """Reads a vCPU's visits onwards, beside whoever executes them."""

    def __init__(self, workload: SampledHotSets, vcpu: int, first: int) -> None:
        """Begin at position `first`."""
        self._blocks = workload.visits(vcpu, first)
        self._rest = UnitVisits.none(first)
        self._next = first

    def up_to(self, stop: int) -> Iterator[UnitVisits]:
        """Yield the visits from where the last call ended to position `stop` (exclusive)."""
        while self._next < stop:
            if self._next >= self._rest.end:
                self._rest = next(self._blocks)
            yield self._rest.between(self._next, stop)
            self._next = min(stop, self._rest.end)


def put(visits: VisitsAtHand, core: int, brought: UnitVisits) -> None:
    """Let a core have visits at hand, and nothing else."""
    count = brought.unit.size
    visits.unit[core, :count] = brought.unit
    visits.set[core, :count] = brought.set
    visits.position[core, :count] = brought.position
    visits.visits[core, :count] = brought.visits
    visits.length[core] = count
    visits.end[core] = brought.end


def execute_at_once(processor: Processor, brought: UnitVisits) -> int:
    """Execute visits on a host's only core, whatever their ticks; return the time that takes, femtoseconds."""
    assert isinstance(processor, SampledProcessor)
    visits = _room(1, brought.unit.size)
    put(visits, 0, brought)
    return processor.execute_at_once(visits)


def _room(cores: int, columns: int) -> VisitsAtHand:
    return VisitsAtHand(
        unit=np.zeros((cores, columns), np.uint32),
        set=np.zeros((cores, columns), np.uint16),
        position=np.zeros((cores, columns), np.int64),
        visits=np.zeros((cores, columns), np.uint32),
        length=np.zeros(cores, np.int64),
        end=np.zeros(cores, np.int64),
    )


def _grown(visits: VisitsAtHand, columns: int) -> VisitsAtHand:
    """Return the same visits with room for so many of each core."""
    larger = _room(len(visits.length), columns)
    had = visits.unit.shape[1]
    larger.unit[:, :had], larger.set[:, :had] = visits.unit, visits.set
    larger.position[:, :had], larger.visits[:, :had] = visits.position, visits.visits
    return larger._replace(length=visits.length, end=visits.end)
