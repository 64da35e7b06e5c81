"""A recorded trace: settings."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, ValidationInfo

from vmfailover.errors import InputError
from vmfailover.scenario.errors import Problem, shown
from vmfailover.scenario.experiment import Experiment
from vmfailover.scenario.sizes import PAGE_BYTES
from vmfailover.scenario.units import DURATION, SIZE
from vmfailover.scenario.workload import Instructions, Workload

if TYPE_CHECKING:
    from vmfailover.traces.metadata import TraceMetadata


def _path(value: object) -> object:
    if isinstance(value, str | Path) and "\0" not in str(value) and str(value):
        return Path(value)
    raise ValueError("write the path of a trace file, for example traces/redis-set.parquet")


def _beside_scenario(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return Path(folder) / path if folder is not None else path


def _repeat(value: object) -> object:
    if isinstance(value, bool) or value == "shifted":
        return value
    raise ValueError(f"{shown(value)} is not true, false or shifted")


def _spread(value: object) -> object:
    if value in (None, "none"):
        return None
    if value == "copies":
        return value
    raise ValueError(f"{shown(value)} is not copies or none")


class TraceWorkload(Workload):
    """The memory accesses recorded in a trace file."""

    code: ClassVar[str] = f"{__name__}.accesses:recorded_accesses"
    file_key: ClassVar[str | None] = "trace"

    trace: Annotated[Path, BeforeValidator(_path), AfterValidator(_beside_scenario)]
    """The trace; a relative path starts at the folder of the scenario file."""
    repeat: Annotated[bool | Literal["shifted"], BeforeValidator(_repeat)] = False
    """Whether the trace starts over at its end; if not, the guest halts there. `shifted` repetitions differ: each
    begins at another record, and every second page of 4 KiB is moved elsewhere in the recorded guest's memory."""
    spread: Annotated[Literal["copies"] | None, BeforeValidator(_spread)] = None
    """What vCPUs do beyond those recorded: with none they idle; `copies` lets each execute what a recorded one does,
    the first beyond them what the first does and so on, each round of copies in a range of memory of its own."""

    def problems(self, scenario: Experiment) -> Iterator[Problem]:
        """Yield what the trace does not have, or has more of than the VM."""
        for message in _trace_messages(self.trace, scenario.vm.vcpus, scenario.vm.memory):
            yield Problem(("workload", "trace"), message)
        yield from self._copy_problems(scenario.vm.vcpus, scenario.vm.memory)

    def _copy_problems(self, vcpus: int, memory: int) -> Iterator[Problem]:
        from vmfailover.traces.facts import facts_of

        with suppress(InputError):
            metadata = facts_of(self.trace).metadata
            copies = -(-vcpus // metadata.vcpus)
            needed = (copies - 1) * copy_bytes(metadata) + metadata.memory_bytes
            if self.spread and copies > 1 and memory < needed:
                yield Problem(
                    ("workload", "spread"),
                    f"{copies} copies of a trace that touches {metadata.memory_bytes} bytes need {needed} bytes of "
                    "memory; write at least that as vm.memory, or fewer vcpus",
                )

    def instructions(self) -> Iterator[Instructions]:
        """Yield the instructions of the longest record; those of a trace that cannot be read, told elsewhere, are 0."""
        from vmfailover.traces.facts import facts_of

        try:
            number = facts_of(self.trace).most_instructions
        except InputError:
            number = 0
        yield Instructions(("trace",), "what its longest record executes", number)

    def warnings(self, scenario: Experiment) -> Iterator[str]:
        """Yield what the trace is too short or too narrow for; raise TraceError for one that is gone."""
        from vmfailover.traces.format import open_trace  # brings in pyarrow, which synthetic workloads do without

        metadata = open_trace(self.trace).metadata
        if self.spread is None:
            yield from _idle_vcpus(scenario, metadata)
        yield from _mapped(metadata)
        yield from self._short(scenario, metadata)

    def _short(self, scenario: Experiment, metadata: "TraceMetadata") -> Iterator[str]:
        interval_ns, lasts_ns = scenario.replication.epoch_ns, trace_ns(scenario, metadata)
        if interval_ns is None or interval_ns <= lasts_ns or self.repeat == "shifted":
            return
        host = scenario.hosts.primary
        idle = "" if not metadata.idle_ns else f"{metadata.idle_ns / 1e6:.3g} ms idle, "
        lasts = (
            f"the trace lasts about {lasts_ns / 1e6:.3g} ms ({metadata.instructions / 1e6:.3g} M instructions, {idle}"
            f"base_cpi {host.base_cpi:g}, {host.clock / 1e9:g} GHz, stalls aside), "
            f"less than replication.{scenario.replication.epoch_key}, {DURATION.format(interval_ns)}"
        )
        if self.repeat:
            remedy = "every epoch modifies the same memory; write 'shifted', or a shorter interval"
            yield f"workload.repeat: {lasts}: {remedy}"
        else:
            yield f"workload.repeat: {lasts}: the guest halts in its first epoch; write 'shifted', or true"


def trace_ns(scenario: Experiment, metadata: "TraceMetadata") -> int:
    """Return about how long a trace keeps its vCPUs busy, nanoseconds.

    That is its instructions times the primary's base_cpi, divided by its clock, and its idle time, shared evenly among
    its vCPUs. Stalls come on top, which depend on the caches: the trace lasts at least as long.
    """
    host = scenario.hosts.primary
    executing_ns = metadata.instructions * host.base_cpi / host.clock * 1e9
    return round((executing_ns + (metadata.idle_ns or 0)) / metadata.vcpus)


def copy_bytes(metadata: "TraceMetadata") -> int:
    """Return the bytes from one copy of a trace's memory to the next: whole pages."""
    return -(-metadata.memory_bytes // PAGE_BYTES) * PAGE_BYTES


def _idle_vcpus(scenario: Experiment, metadata: "TraceMetadata") -> Iterator[str]:
    if metadata.vcpus < scenario.vm.vcpus:
        idle = scenario.vm.vcpus - metadata.vcpus
        yield (
            f"workload.trace: recorded with {_vcpus(metadata.vcpus)}, of which the VM has {scenario.vm.vcpus}: "
            f"{'one' if idle == 1 else idle} of them {'idles' if idle == 1 else 'idle'}; 'spread: copies' lets all work"
        )


def _mapped(metadata: "TraceMetadata") -> Iterator[str]:
    if metadata.address_space == "virtual" and metadata.page_bytes:
        page = SIZE.format(metadata.page_bytes)
        yield (
            f"workload.trace: recorded with virtual addresses, mapped {metadata.mapping} in pages of {page}: "
            "what is modified is as recorded up to that size, and beyond it an artefact of the mapping"
        )


def _vcpus(number: int) -> str:
    return "1 vCPU" if number == 1 else f"{number} vCPUs"


def _trace_messages(path: Path, vcpus: int, memory: int) -> Iterator[str]:
    from vmfailover.traces.facts import facts_of  # brings in pyarrow, which synthetic workloads do without

    try:
        facts = facts_of(path)
    except InputError as error:
        yield str(error)
        return
    metadata = facts.metadata
    if facts.idle_vcpus:
        idle = "" if metadata.vcpus == 1 else f" on vCPU {facts.idle_vcpus[0]}"
        yield f"{path}: its records execute no instruction{idle}, so time would never go on; record or convert it again"
    if metadata.memory_bytes > memory:
        yield f"touches {metadata.memory_bytes} bytes of memory; write at least that as vm.memory"
    if metadata.vcpus > vcpus:
        yield f"was recorded with {metadata.vcpus} vCPUs; write 'vcpus: {metadata.vcpus}' in vm"
