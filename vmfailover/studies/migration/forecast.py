"""A migration by arithmetic: the pace of the simulation, and the mean of what hot sets modify."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vmfailover.guest.workloads.hot_sets import HotSetsWorkload
from vmfailover.replication.protocols.live_precopy import LivePrecopySettings, MigrationSpec
from vmfailover.replication.protocols.live_precopy.paced import NO_LIMIT, bandwidth_of, new_pace
from vmfailover.replication.protocols.live_precopy.throttle import Throttle
from vmfailover.scenario import Scenario
from vmfailover.scenario.sizes import ADDRESS_BYTES, PAGE_BYTES, transfer_ns

__all__ = ["Forecast", "busy", "forecast", "longest_ns"]

#: Bytes that a page takes on the link.
SENT_BYTES = PAGE_BYTES + ADDRESS_BYTES
#: A migration that has not converged when all memory in use could have been sent so often, and so much later, will not:
#: the throttle has had the time to take all that it may.
_TIMES, _AND_NS = 3, 30_000_000_000

Pages = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Forecast:
    """How a migration goes in the mean; times in nanoseconds."""

    converges: bool
    #: Until the VM runs on the other host, or until it was given up.
    total_ns: int
    #: None of one that does not converge.
    downtime_ns: int | None
    rounds: int


def forecast(scenario: Scenario) -> Forecast:
    """Return how the paced migration of a scenario with hot sets goes, in `longest_ns` at most."""
    return _Migration(scenario, migration_of(scenario)).run(longest_ns(scenario))


def longest_ns(scenario: Scenario) -> int:
    """Return a time after which a migration will not converge any more, or its timeout if that is less."""
    spec = migration_of(scenario)
    rate = min(bandwidth_of(spec, scenario.link), spec.bandwidth_limit or NO_LIMIT)
    known_ns = _TIMES * transfer_ns(scenario.in_use * 8, rate) + _AND_NS
    return known_ns if spec.timeout is None else min(known_ns, spec.timeout)


def migration_of(scenario: Scenario) -> MigrationSpec:
    """Return how a scenario's migration is paced."""
    spec = LivePrecopySettings.of(scenario.replication).migration
    assert spec is not None
    return spec


def busy(scenario: Scenario) -> float:
    """Return the share of their time that the vCPUs of a guest of hot sets execute, misses aside."""
    assert isinstance(scenario.workload, HotSetsWorkload)
    accesses = sum(each.visits * each.accesses for each in scenario.workload.sets)
    host = scenario.hosts.primary
    cycles = accesses * scenario.workload.instructions_per_access * host.base_cpi
    return cycles / host.clock / scenario.vm.vcpus


class _Migration:
    """The pages of each set that are unsent, in the order in which they are sent, and of all other memory first."""

    def __init__(self, scenario: Scenario, spec: MigrationSpec) -> None:
        assert isinstance(scenario.workload, HotSetsWorkload)
        self._scenario, self._spec = scenario, spec
        sets = scenario.workload.sets
        self._pages = np.array([each.memory / PAGE_BYTES for each in sets])
        self._visits = np.array([each.visits for each in sets])
        self._stream = np.array([each.kind == "stream" for each in sets])
        self._busy = busy(scenario)
        self._pace, self._throttle = new_pace(spec, scenario.link, 0), Throttle(0)
        self._now_ns, self._rounds = 0, 1

    def run(self, timeout_ns: int) -> Forecast:
        others = max(0.0, self._scenario.in_use / PAGE_BYTES - self._pages.sum())
        unsent, began_ns, sent_bytes = np.append(self._pages, others), 0, 0.0
        while self._now_ns < timeout_ns:
            if self._pace.fits(_bytes(unsent)):
                modified = self._modified((self._now_ns - began_ns) / 1e9)
                self._judge(sent_bytes, _bytes(modified))
                began_ns, sent_bytes = self._now_ns, 0.0
                whole = np.append(self._pages, max(1.0, others))
                unsent = unsent + modified * (1 - unsent / whole)
                if self._pace.fits(_bytes(unsent)):
                    return self._stopped(unsent)
                self._rounds += 1
            slice_bytes = self._pace.slice_bytes(_bytes(unsent))
            unsent = self._send(unsent, slice_bytes)
            sent_bytes += slice_bytes
        return Forecast(False, self._now_ns, None, self._rounds)

    def _modified(self, seconds: float) -> Pages:
        """Return the mean number of pages of each set, and of other memory, that are modified in a time."""
        share = self._visits * seconds / self._pages / self._slowed
        reached = np.where(self._stream, np.minimum(1.0, share), -np.expm1(-share))
        modified: Pages = np.append(self._pages * reached, 0.0)
        return modified

    @property
    def _slowed(self) -> float:
        """Times as long as it would that the guest takes for its visits: what it does not need costs it nothing."""
        return max(1.0, self._busy * self._throttle.slowdown)

    def _judge(self, sent_bytes: float, modified_bytes: float) -> None:
        if self._spec.auto_converge:
            self._throttle.judge(round(sent_bytes), round(modified_bytes), self._now_ns)

    def _send(self, unsent: Pages, slice_bytes: int) -> Pages:
        """Return what is unsent once so much has left."""
        left_ns = self._now_ns + self._pace.least_ns(slice_bytes)
        self._now_ns = self._pace.sent(slice_bytes, left_ns)
        before = np.cumsum(unsent) - unsent
        left: Pages = unsent - np.clip(slice_bytes / SENT_BYTES - before, 0.0, unsent)
        return left

    def _stopped(self, unsent: Pages) -> Forecast:
        hypervisor, vcpus = self._scenario.hypervisor, self._scenario.vm.vcpus
        link = self._scenario.link
        sent_ns = self._pace.least_ns(_bytes(unsent))
        state_ns = round(hypervisor.vcpu_state * vcpus * 8e9 / link.bandwidth) + hypervisor.vcpu_capture * vcpus
        fixed_ns = hypervisor.quiesce + hypervisor.restore + hypervisor.redirect + link.latency
        downtime_ns = sent_ns + state_ns + fixed_ns
        return Forecast(True, self._now_ns + downtime_ns, downtime_ns, self._rounds + 1)


def _bytes(pages: Pages) -> int:
    return round(float(pages.sum()) * SENT_BYTES)
