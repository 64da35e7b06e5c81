"""What a scenario may say and its author may still not mean."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from vmfailover.scenario.experiment import Experiment
from vmfailover.scenario.units import DURATION
from vmfailover.scenario.workload import TraceWorkload

if TYPE_CHECKING:
    from vmfailover.traces.metadata import TraceMetadata


#: Common keys of `replication` that re-protection uses.
_OF_COPIES = frozenset(
    {"checkpoint_interval", "scan_interval", "granularity", "hypervisor_writes", "batch", "compression", "precopy"}
)


def warnings_of(scenario: Experiment) -> tuple[str, ...]:
    """Return a line for each, which begins with the key that it is about; raise TraceError for a trace that is gone."""
    return tuple(line for check in _CHECKS for line in check(scenario))


def trace_ns(scenario: Experiment, metadata: "TraceMetadata") -> int:
    """Return about how long a trace keeps its vCPUs busy, nanoseconds.

    That is its instructions, shared evenly among its vCPUs, times the primary's base_cpi, divided by its clock. Stalls
    come on top, which depend on the caches: the trace lasts at least as long.
    """
    host = scenario.hosts.primary
    return round(metadata.instructions / metadata.vcpus * host.base_cpi / host.clock * 1e9)


def unused_keys(scenario: Experiment) -> Iterator[str]:
    """Yield a line for each key that is written and says nothing to the protocol.

    A further host's copy of memory, and the VM that waits for it, take what the protocol itself may not.
    """
    replication = scenario.replication
    used = _OF_COPIES if scenario.reprotection.possible else frozenset()
    for key in type(replication).model_fields:
        if key in (replication.unused - used) & replication.model_fields_set:
            yield f"replication.{key}: {replication.protocol} makes no use of it"


def _idle_vcpus(scenario: Experiment) -> Iterator[str]:
    metadata = _metadata(scenario)
    if metadata is not None and metadata.vcpus < scenario.vm.vcpus:
        idle = scenario.vm.vcpus - metadata.vcpus
        yield (
            f"workload.trace: recorded with {_vcpus(metadata.vcpus)}, of which the VM has {scenario.vm.vcpus}: "
            f"{'one' if idle == 1 else idle} of them {'idles' if idle == 1 else 'idle'}"
        )


def _short_trace(scenario: Experiment) -> Iterator[str]:
    metadata, interval_ns = _metadata(scenario), scenario.replication.epoch_ns
    if metadata is None or interval_ns is None:
        return
    assert isinstance(scenario.workload, TraceWorkload)
    lasts_ns = trace_ns(scenario, metadata)
    if interval_ns <= lasts_ns or scenario.workload.repeat == "shifted":
        return
    host = scenario.hosts.primary
    lasts = (
        f"the trace lasts about {lasts_ns / 1e6:.3g} ms ({metadata.instructions / 1e6:.3g} M instructions, base_cpi "
        f"{host.base_cpi:g}, {host.clock / 1e9:g} GHz, stalls aside), "
        f"less than replication.{scenario.replication.epoch_key}, {DURATION.format(interval_ns)}"
    )
    if scenario.workload.repeat:
        yield f"workload.repeat: {lasts}: every epoch modifies the same memory; write 'shifted', or a shorter interval"
    else:
        yield f"workload.repeat: {lasts}: the guest halts in its first epoch; write 'shifted', or true"


def _metadata(scenario: Experiment) -> "TraceMetadata | None":
    """Return what the trace says of itself, None if the workload is generated."""
    if not isinstance(scenario.workload, TraceWorkload):
        return None
    from vmfailover.traces.format import open_trace  # brings in pyarrow, which synthetic workloads do without

    return open_trace(scenario.workload.trace).metadata


def _vcpus(number: int) -> str:
    return "1 vCPU" if number == 1 else f"{number} vCPUs"


_CHECKS: tuple[Callable[[Experiment], Iterator[str]], ...] = (unused_keys, _idle_vcpus, _short_trace)
