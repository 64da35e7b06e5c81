"""How much memory a run will take, told before it starts."""

from vmfailover.errors import InputError
from vmfailover.guest.accesses import BLOCK_BYTES
from vmfailover.scenario import Scenario
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.protocols import PROTOCOLS
from vmfailover.scenario.units import SIZE
from vmfailover.scenario.workload import TraceWorkload

#: Bytes for each line: its versions in both hosts' memories, the auditor's version and its stamp of what was logged, a
#: secondary's note of what it has modified, and its place in the list of these that is checked at the end.
LINE_BYTES = 4 + 4 + 4 + 4 + 1 + 8
#: Bytes for each unit: both hosts' marks of what has been stored to.
UNIT_BYTES = 1 + 1
#: Bytes for each line of an undo log: old versions on both hosts, and marks of what has been taken from it.
UNDO_BYTES = 4 + 4 + 1 + 1
#: Bytes for each line and core of both hosts: where the caches hold it.
PLACE_BYTES = 2 + 2
#: Bytes for each block of 64 bytes: the auditor's stamps of what has been stored to.
STAMP_BYTES = 4
#: Bytes of a record of accesses in memory.
RECORD_BYTES = 4 + 1 + 4 + 4
#: Bytes for each vCPU: the accesses that the guest and the auditor have at hand.
AT_HAND_BYTES = 2 << 20
#: Bytes of a row of L1 and of L2, each with the time of its last use, and of a row of L3.
ROW_BYTES = (4 + 8, 8 + 8, 4)


def estimated_bytes(scenario: Scenario) -> int:
    """Return the bytes of all arrays of a run; the records of what happens, and Python itself, come on top."""
    vcpus, memory = scenario.vm.vcpus, scenario.vm.memory
    hosts = (scenario.hosts.primary, scenario.hosts.secondary)
    image = memory // hosts[0].line * (LINE_BYTES + PLACE_BYTES * vcpus) + memory // BLOCK_BYTES * STAMP_BYTES
    caches = sum(_cache_bytes(host, vcpus) for host in hosts)
    image += memory // scenario.replication.unit_bytes(hosts[0].line) * UNIT_BYTES
    if PROTOCOLS[scenario.replication.protocol].keeps_undo:
        image += memory // hosts[0].line * UNDO_BYTES
    return image + caches + 2 * scenario.replication.log.size + AT_HAND_BYTES * vcpus + _trace_bytes(scenario)


def require_memory(scenario: Scenario, limit: int) -> None:
    """Raise InputError, naming the file and the key, if the arrays of a run take more than `limit` bytes."""
    needed = estimated_bytes(scenario)
    if needed > limit:
        raise InputError(
            f"{scenario.path or scenario.name}: vm.memory: {SIZE.format(scenario.vm.memory)} takes about "
            f"{_rounded(needed)} to simulate, more than --max-memory {_rounded(limit)}; "
            "make vm.memory smaller or --max-memory larger"
        )


def _cache_bytes(host: HostSpec, vcpus: int) -> int:
    """Return the bytes of all rows; a set of L1 or L2 has one more than it has ways."""
    l1, l2, l3 = ROW_BYTES
    private = sum(level.sets(host.line) * (1 + level.ways) * row for level, row in ((host.l1, l1), (host.l2, l2)))
    return vcpus * private + (host.l3.size // host.line * l3 if host.l3 else 0)


def _trace_bytes(scenario: Scenario) -> int:
    """Return what is held of a trace: all of it, or what was read last and a chunk for each reader and vCPU."""
    if not isinstance(scenario.workload, TraceWorkload):
        return 0
    from vmfailover.traces.format import open_trace

    trace = open_trace(scenario.workload.trace)
    if trace.records <= trace.KEEP_RECORDS:
        return trace.records * RECORD_BYTES
    return (trace.RECENT_ROW_GROUPS + 2 * scenario.vm.vcpus) * trace.CHUNK_RECORDS * RECORD_BYTES


def _rounded(size: int) -> str:
    """Return a size in whole mebibytes, rounded up."""
    return SIZE.format(-(-size >> 20 << 20))
