"""What a scenario may say and its author may still not mean."""

from collections.abc import Iterator

from vmfailover.scenario.detection import Detection
from vmfailover.scenario.experiment import Experiment
from vmfailover.scenario.failover import Failure, Fencing

#: Common keys of `replication` that re-protection uses.
_OF_COPIES = frozenset(
    {"checkpoint_interval", "scan_interval", "granularity", "hypervisor_writes", "batch", "compression", "precopy"}
)


def warnings_of(scenario: Experiment) -> tuple[str, ...]:
    """Return a line for each, which begins with the key that it is about; raise TraceError for a trace that is gone."""
    return (*unused_keys(scenario), *scenario.workload.warnings(scenario))


def unused_keys(scenario: Experiment) -> Iterator[str]:
    """Yield a line for each key that is written and says nothing to the protocol, detector, way to fence or fault.

    A further host's copy of memory, and the VM that waits for it, take what the protocol itself may not.
    """
    replication = scenario.replication
    used = _OF_COPIES if scenario.reprotection.possible else frozenset()
    for key in type(replication).model_fields:
        if key in (replication.unused - used) & replication.model_fields_set:
            yield f"replication.{key}: {replication.protocol} makes no use of it"
    sections: dict[str, Detection | Fencing | Failure] = {"detection": scenario.detection, "fencing": scenario.fencing}
    sections |= {f"failures.{number}": failure for number, failure in enumerate(scenario.failures)}
    for name, section in sections.items():
        unused = (key for key in type(section).model_fields if key in section.unused & section.model_fields_set)
        for key in (*unused, *section.of_others):
            yield f"{name}.{key}: {section.kind} makes no use of it"
