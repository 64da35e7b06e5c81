"""The arithmetic of a scenario, without a run: which timers a failover adds up to, what an epoch costs, what is lost.

Bounds are of a host that crashes while nothing else goes wrong, but for one chance in 10^12 where chance has a part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vmfailover.guest.workloads.hot_sets import HotSetsWorkload
from vmfailover.records.roles import Role
from vmfailover.results.json_result import JsonResult, about
from vmfailover.scenario import Scenario
from vmfailover.scenario.sizes import transfer_ns
from vmfailover.scenario.takeover import Spread
from vmfailover.scenario.units import DURATION, SIZE
from vmfailover.studies.pace import pace_of
from vmfailover.studies.sampled_memory import pieces_visited


@dataclass(frozen=True, slots=True)
class Term:
    """A time that a failover, an epoch or a loss is made of."""

    name: str
    #: At least and at most, nanoseconds.
    shortest_ns: int
    longest_ns: int
    #: The key of the scenario that it comes from, and how.
    key: str
    arithmetic: str = ""


@dataclass(frozen=True)
class Explanation(JsonResult):
    """What a scenario adds up to."""

    scenario: Scenario
    #: What follows a crash of the host with the VM, one after the other. None where no other host takes over.
    failover: tuple[Term, ...]
    #: What a checkpoint takes, none without checkpoints.
    epoch: tuple[Term, ...]
    #: What is lost with the host: work since the state from which the VM goes on.
    loss: tuple[Term, ...]

    @property
    def failover_ns(self) -> tuple[int, int]:
        """How long a failover takes at least and at most, beside what was still to be applied, nanoseconds."""
        return sum(term.shortest_ns for term in self.failover), sum(term.longest_ns for term in self.failover)

    def _content(self) -> dict[str, Any]:
        parts = {"failover": self.failover, "epoch": self.epoch, "loss": self.loss}
        shortest_ns, longest_ns = self.failover_ns
        return {
            "scenario": about(self.scenario),
            "failover_ns": {"shortest": shortest_ns, "longest": longest_ns},
            **{name: [asdict(term) for term in terms] for name, terms in parts.items()},
        }


def explain(scenario: Scenario) -> Explanation:
    """Return what a scenario adds up to; the guest's beginning is looked at for what it modifies in an epoch."""
    epoch = tuple(_epoch(scenario)) if scenario.replication.makes_checkpoints else ()
    takes_over = not scenario.replication.evacuates
    failover = tuple(term for term in _failover(scenario) if term.longest_ns) if takes_over else ()
    return Explanation(scenario, failover, epoch, tuple(_loss(scenario, epoch)))


def _failover(scenario: Scenario) -> Iterator[Term]:
    """Yield what follows a crash of the primary, in order."""
    detection = scenario.detection
    stages = detection.stages
    for stage in stages:
        yield Term(stage.name, stage.least_ns, stage.longest_ns, f"detection ({detection.kind})", stage.arithmetic)
    yield Term("chance", 0, detection.worst_luck_ns, f"detection ({detection.kind})", "but for one case in 10^12")
    message_ns = scenario.link.latency + transfer_ns(8 * detection.message, scenario.link.bandwidth)
    yield Term("message", 0, message_ns, "link.latency", "on an idle link; heartbeats wait behind checkpoints")
    yield Term("vote", scenario.quorum.vote_ns, scenario.quorum.vote_ns, "quorum.vote")
    yield _step("election", scenario.failover.election)
    fencing = scenario.fencing
    shortest_ns, longest_ns = fencing.shortest_ns(Role.SECONDARY), fencing.longest_ns(Role.SECONDARY)
    yield Term("fencing", shortest_ns, longest_ns, f"fencing ({fencing.kind})", _delays(scenario))
    yield _step("promotion", scenario.failover.promotion)
    yield from _start(scenario)


def _step(name: str, step: Spread) -> Term:
    return Term(name, step.shortest_ns, step.longest_ns, f"failover.{name}", step.distribution)


def _delays(scenario: Scenario) -> str:
    fencing = scenario.fencing
    delays = {
        "priority_delay": fencing.priority_delay,
        "host_delay": fencing.host_delay.get(Role.SECONDARY, 0),
        "random_delay": fencing.random_delay,
    }
    told = [f"{name} {DURATION.format(delay_ns)}" for name, delay_ns in delays.items() if delay_ns]
    return "with " + ", ".join(told) if told else ""


def _start(scenario: Scenario) -> Iterator[Term]:
    """Yield what brings the VM to life on the other host."""
    hypervisor, restart = scenario.hypervisor, scenario.replication.restart
    if scenario.replication.replicates or restart.kind == "restore":
        yield Term("restore", hypervisor.restore, hypervisor.restore, "hypervisor.restore")
    else:
        yield Term("boot", restart.boot, restart.boot, "replication.restart.boot")
    if not scenario.replication.replicates and restart.kind == "restore":
        read_ns = scenario.in_use * 10**9 // restart.storage
        yield Term("read", read_ns, read_ns, "replication.restart.storage", f"{SIZE.format(scenario.in_use)} of image")
    yield Term("redirect", hypervisor.redirect, hypervisor.redirect, "hypervisor.redirect")


def _epoch(scenario: Scenario) -> Iterator[Term]:
    """Yield the interval, the least stop of a checkpoint, and about how long its modified memory is on the link."""
    replication, hypervisor = scenario.replication, scenario.hypervisor
    interval_ns = replication.epoch_ns or scenario.duration
    yield Term("interval", interval_ns, interval_ns, f"replication.{replication.epoch_key}")
    stop_ns = hypervisor.quiesce + scenario.vm.vcpus * hypervisor.vcpu_capture + hypervisor.resume
    yield Term("stop", stop_ns, stop_ns, "hypervisor", "quiesce, vcpu_capture of each vCPU, and resume, at least")
    modified = _modified_bytes(scenario, interval_ns)
    sent_ns = transfer_ns(8 * modified, scenario.link.bandwidth) + scenario.link.latency
    told = f"about {SIZE.format(max(1, modified >> 10) << 10)} modified in an epoch, uncompressed"
    yield Term("sending", scenario.link.latency, sent_ns, "link.bandwidth", told)


def _modified_bytes(scenario: Scenario, time_ns: int) -> int:
    """Return about how many bytes of the protocol's units are stored to in a time."""
    replication = scenario.replication
    unit = replication.unit_bytes(scenario.hosts.primary.line)
    if isinstance(scenario.workload, HotSetsWorkload):
        units = sum(pieces_visited(each, unit, time_ns / 1e9) for each in scenario.workload.sets)
    else:
        units = pace_of(scenario).stored_units(time_ns, unit, replication.first_store_ns)
    return min(scenario.in_use, int(units) * unit)


def _loss(scenario: Scenario, epoch: Sequence[Term]) -> Iterator[Term]:
    """Yield how old the state is from which the VM goes on."""
    if not scenario.replication.replicates:
        yield Term("work", 0, scenario.duration, "replication.protocol", "all since the VM was started")
    elif epoch:
        longest_ns = sum(term.longest_ns for term in epoch)
        yield Term("work", 0, longest_ns, f"replication.{scenario.replication.epoch_key}", "an epoch and its sending")
