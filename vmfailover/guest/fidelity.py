"""At which fidelity a guest is simulated: executed, every access, or sampled, the units of memory that it stores to."""

from collections.abc import Sequence
from dataclasses import replace

from vmfailover.engine.streams import seed_sequence
from vmfailover.guest.access_buffer import AccessBuffer, JointReplay, Replay
from vmfailover.guest.placement import Placement
from vmfailover.guest.visit_buffer import JointVisitReplay, VisitBuffer, VisitReplay
from vmfailover.guest.workloads.hot_sets import HotSetsWorkload
from vmfailover.guest.workloads.hot_sets.units import SampledHotSets
from vmfailover.guest.workloads.keys import child
from vmfailover.guest.workloads.workload import Workload, open_workload
from vmfailover.hardware.cache.twin import CacheTwin
from vmfailover.hardware.memory import Memory
from vmfailover.hardware.processor import Processor, Tracking
from vmfailover.hardware.sampled.processor import SampledProcessor
from vmfailover.scenario.experiment import Experiment
from vmfailover.scenario.hosts import HostSpec

#: What a run of a sampled guest leaves out, a sentence of its summary.
LEFT_OUT = (
    "sampled: no single access and no row of a cache was simulated; what caches hold, cast out and miss is a mean, "
    "lines that move from core to core are not logged, and bytes modified are counted by whole units of the protocol"
)
#: What a VM executes: every access, or visits to units of memory.
GuestWorkload = Workload | SampledHotSets


def open_guest(scenario: Experiment) -> GuestWorkload:
    """Return what the guest of a scenario executes; raise InputError for a workload that cannot be."""
    seed = seed_sequence(scenario.seed, "workload")
    if scenario.fidelity == "executed":
        return open_workload(scenario.workload, scenario.vm.vcpus, scenario.hosts.primary.line, seed)
    assert isinstance(scenario.workload, HotSetsWorkload)
    return SampledHotSets(
        scenario.workload, scenario.vm.vcpus, child(seed), scenario.image_line, scenario.hosts.primary.line
    )


def new_memory(scenario: Experiment, spec: HostSpec) -> Memory:
    """Return the memory of a host for the VM of a scenario: lines of its caches, or units of the protocol."""
    line = scenario.image_line
    return Memory(scenario.vm.memory, line, line // spec.line)


def new_processor(
    workload: GuestWorkload, twin: CacheTwin, spec: HostSpec, vcpus: int, memory: Memory, tracking: Tracking
) -> Processor:
    """Return a processor that executes a workload on `vcpus` cores; `twin` if every access is executed."""
    if isinstance(workload, SampledHotSets):
        return SampledProcessor(workload.demand, spec, vcpus, memory, replace(tracking, unit_lines=1))
    return Processor(twin, spec, vcpus, memory, tracking)


def new_buffer(
    workload: GuestWorkload, positions: Sequence[int], placement: Placement, processor: Processor
) -> AccessBuffer | VisitBuffer:
    """Return what the cores of a VM execute next, vCPU v from `positions[v]` on."""
    if isinstance(workload, SampledHotSets):
        return VisitBuffer(workload, positions, placement, processor)
    return AccessBuffer(workload, positions, placement, processor)


def new_replay(workload: GuestWorkload, vcpu: int, first: int) -> Replay | VisitReplay:
    """Return what reads a vCPU's stream onwards from a position on, beside whoever executes it."""
    if isinstance(workload, SampledHotSets):
        return VisitReplay(workload, vcpu, first)
    return Replay(workload, vcpu, first)


def new_joint_replay(workload: GuestWorkload, positions: Sequence[int]) -> JointReplay | JointVisitReplay:
    """Return what reads the stores of all vCPUs onwards, of vCPU v from `positions[v]` on."""
    if isinstance(workload, SampledHotSets):
        return JointVisitReplay(workload, positions)
    return JointReplay(workload, positions)
