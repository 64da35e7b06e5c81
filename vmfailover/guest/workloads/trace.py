"""A recorded trace as a workload."""

from __future__ import annotations

from collections.abc import Iterator

from vmfailover.errors import InputError
from vmfailover.guest.accesses import AccessChunk
from vmfailover.traces.reader import TraceFile

__all__ = ["TraceAccesses"]


class TraceAccesses:
    """The accesses in a trace, once or, if `repeat`, over and over.

    Each vCPU has its own records of the trace; but if the trace is of one vCPU and the VM has n, vCPU k starts k/n
    of the way into the trace and, if `repeat`, goes round from there, else only to its end. Record numbers keep
    counting when the trace is repeated. Reading raises TraceError where the file is damaged.
    """

    def __init__(self, trace: TraceFile, vcpus: int, repeat: bool) -> None:
        """Raises InputError if the trace is of several vCPUs and the VM has another number of them."""
        if trace.metadata.vcpus not in (1, vcpus):
            recorded = trace.metadata.vcpus
            raise InputError(f"{trace.path}: is of {recorded} vCPUs and the VM has {vcpus}; set vm.vcpus to {recorded}")
        self._trace = trace
        self._shared = vcpus > trace.metadata.vcpus
        self._vcpus = vcpus
        self._repeat = repeat

    def chunks(self, vcpu: int, first: int = 0) -> Iterator[AccessChunk]:
        """The records of a vCPU from its record number `first` on, to the end if the trace is not repeated."""
        column = 0 if self._shared else vcpu
        records = self._trace.vcpu_records(column)
        lead = vcpu * records // self._vcpus if self._shared else 0
        if not self._repeat:
            return self._renumbered(column, first + lead, first)
        return self._cycle(column, records, first, lead)

    def _cycle(self, column: int, records: int, first: int, lead: int) -> Iterator[AccessChunk]:
        while records:
            position = (first + lead) % records
            yield from self._renumbered(column, position, first)
            first += records - position

    def _renumbered(self, column: int, position: int, first: int) -> Iterator[AccessChunk]:
        """The trace's records from `position` to its end, as records `first` and so on."""
        for chunk in self._trace.chunks(column, position):
            yield chunk._replace(first=chunk.first - position + first)
