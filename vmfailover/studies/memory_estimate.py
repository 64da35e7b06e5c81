"""How much memory a run will take, told before it starts.

Only what is written takes memory, in pieces as large as the operating system hands out; so what counts is which parts
of its memory the guest reaches, and how much of it is on its way to the other host at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from vmfailover.errors import ParameterError
from vmfailover.guest.workloads.synthetic import SyntheticPhase
from vmfailover.guest.workloads.trace import TraceWorkload
from vmfailover.guest.workloads.trace.accesses import opened_trace
from vmfailover.scenario import Scenario
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.sizes import PAGE_BYTES
from vmfailover.scenario.units import DURATION, SIZE
from vmfailover.studies.pace import Pace, pace_of
from vmfailover.studies.reach import Reach, reach_of
from vmfailover.studies.sampled_memory import Part, sampled_parts_of, written_piece_bytes
from vmfailover.traces.accesses import BLOCK_BYTES

#: Bytes for each line on its way: its number and its version.
SHIPPED_BYTES = 8 + 4
#: Bytes for each line that output-compare compares on both hosts: its number twice, its versions, and the outcome.
COMPARED_BYTES = 8 + 8 + 4 + 4 + 1
#: Bytes for each unit whose old contents a compressor has, measured: a number in a dictionary.
KNOWN_UNIT_BYTES = 104
#: Bytes of a record of accesses in memory.
RECORD_BYTES = 4 + 1 + 4 + 4
#: Bytes for each record of a row group while it is decoded, measured: decompressed pages, Arrow's arrays and copies.
DECODED_BYTES = 80
#: Bytes for each vCPU: the accesses that the guest and the auditor have at hand.
AT_HAND_BYTES = 2 << 20
#: Bytes of a row of L1 and of L2, each with the time of its last use, and of a row of L3.
L1_ROW_BYTES, L2_ROW_BYTES, L3_ROW_BYTES = 4 + 8, 8 + 8, 4


def require_memory(scenario: Scenario, max_memory: int) -> None:
    """Raise ParameterError, naming the file and the key that helps most, if a run takes more than so many bytes."""
    parts = parts_of(scenario)
    needed = sum(part.size for part in parts)
    if needed > max_memory:
        most = max(parts, key=lambda part: part.size)
        raise ParameterError(
            "max_memory",
            f"{most.value} takes about {_rounded(most.size)} of the {_rounded(needed)} to simulate, more than "
            f"{_rounded(max_memory)}",
            about=f"{scenario.path or scenario.name}: {most.key}",
            remedy=f"make {most.key} smaller or {{max_memory}} larger",
        )


def parts_of(scenario: Scenario) -> tuple[Part, ...]:
    """Return what a run takes memory for, beside Python and its libraries and the records of what happens."""
    if scenario.fidelity == "sampled":
        return sampled_parts_of(scenario)
    pace = pace_of(scenario)
    reach = reach_of(scenario, pace)
    vcpus = scenario.vm.vcpus
    replication, log = scenario.replication, scenario.replication.log
    log_bytes = 2 * log.size if replication.uses_log else 0
    parts = [
        Part(*_memory_key(scenario), sum(_arrays(scenario, reach))),
        Part("vm.vcpus", str(vcpus), AT_HAND_BYTES * vcpus),
        *_caches("hosts.primary", scenario.hosts.primary, vcpus),
        *_caches("hosts.secondary", scenario.hosts.secondary, vcpus),
        Part("replication.log.size", SIZE.format(log.size), log_bytes),
        Part(*_shipping_key(scenario), _shipped_bytes(scenario, pace, reach)),
    ]
    if replication.compression is not None:
        cache = replication.compression.cache
        parts.append(Part("replication.compression.cache", SIZE.format(cache), _compressor_bytes(scenario, pace)))
    if isinstance(scenario.workload, TraceWorkload):
        parts.append(Part("workload.trace", scenario.workload.trace.name, _trace_bytes(scenario)))
    return tuple(parts)


# Arrays with a value for each line, unit or block of memory.


def _arrays(scenario: Scenario, reach: Reach) -> Iterator[int]:
    """Yield the bytes that are written of each array."""
    line, memory, protocol = scenario.hosts.primary.line, scenario.vm.memory, scenario.replication
    unit = protocol.unit_bytes(line)
    places = 2 * scenario.vm.vcpus
    moves = bool(scenario.failures) or protocol.executes_twice or protocol.evacuates
    yield _written(reach, 4, line, memory)  # versions in the primary's memory
    if protocol.needs_copy or moves:
        yield _written(reach, 4, line, memory, grain=unit if protocol.needs_copy else line)  # and in the secondary's
    yield _written(reach, _audited_bytes(line), line, memory)
    yield _written(reach, 4, unit, memory)  # the auditor's stamps of what was logged
    yield _written(reach, places, line, memory, stored=False)  # where the primary's caches hold a line
    if moves:
        yield _written(reach, places, line, memory, stored=False)
        yield 2 * _written(reach, 1, unit, memory)  # what has been modified since
    if protocol.notes_first_stores or protocol.keeps_undo:
        yield memory // unit * (1 + moves)  # what has been stored to
    if protocol.keeps_undo:
        yield _written(reach, 4, line, memory) + memory // line  # what it held before, and what has been taken of it
    if scenario.reprotection.possible:
        yield (1 + len(scenario.failures)) * memory // line * (4 + places)  # hosts built anew


def _audited_bytes(line: int) -> int:
    """Return the auditor's bytes for a line: how often it has been written, and a stamp for each of its blocks."""
    return 4 + 4 * (line // BLOCK_BYTES)


def _written(reach: Reach, each: int, span: int, memory: int, *, grain: int = 0, stored: bool = True) -> int:
    """Return the bytes of an array that has `each` bytes for `span` bytes of memory, as far as the guest reaches.

    At least `grain` bytes of memory are written at a time.
    """
    whole = -(-memory // span) * each
    covered = max(grain, written_piece_bytes(whole) * span // each)
    return min(whole, reach.bytes_in(covered, stored=stored) * each // span)


def _memory_key(scenario: Scenario) -> tuple[str, str]:
    workload, memory = scenario.workload, scenario.vm.memory
    if isinstance(workload, SyntheticPhase) and 2 * workload.working_set < memory:
        return "workload.working_set", SIZE.format(workload.working_set)
    return "vm.memory", SIZE.format(memory)


# What is on its way to the other host.


def _shipped_bytes(scenario: Scenario, pace: Pace, reach: Reach) -> int:
    """Return the bytes of lines that are read, sent, staged and applied at once."""
    line, protocol = scenario.hosts.primary.line, scenario.replication
    unit = protocol.unit_bytes(line)
    stored = reach.bytes_in(max(unit, PAGE_BYTES), stored=True)
    if protocol.evacuates:  # all that is sent is gone before the auditor executes the guest
        shipped = min(stored, _written_before_leaving(scenario, pace)) // line * SHIPPED_BYTES
        return max(0, shipped - _written(reach, _audited_bytes(line), line, scenario.vm.memory))
    if not protocol.makes_checkpoints:
        return 0
    modified, epochs = _modified_bytes(scenario, pace, stored)
    compared = COMPARED_BYTES if protocol.compares_lines else 0
    synchronised = stored if scenario.reprotection.possible else 0
    return max(epochs * modified * (SHIPPED_BYTES + compared), synchronised * SHIPPED_BYTES) // line


def _written_before_leaving(scenario: Scenario, pace: Pace) -> int:
    """Return the bytes of the units that the guest writes until its evacuation begins."""
    planned = [failure.at for failure in scenario.failures if failure.at is not None]
    begins_ns = max(0, min(planned, default=scenario.duration) - scenario.replication.precopy.lead)
    unit = max(scenario.replication.unit_bytes(scenario.hosts.primary.line), PAGE_BYTES)
    return int(pace.stored_units(begins_ns, unit)) * unit


def _modified_bytes(scenario: Scenario, pace: Pace, most: int) -> tuple[int, int]:
    """Return the bytes of the units modified in an epoch, at most `most`, and how many epochs are on their way at once.

    An epoch lasts at least until the one before has been sent, and then that of the other host may still be there.
    """
    replication, host = scenario.replication, scenario.hosts.primary
    unit, interval_ns = replication.unit_bytes(host.line), replication.epoch_ns or scenario.duration
    runs_ns, modified, period_ns = min(scenario.duration, interval_ns), 0, interval_ns
    for _ in range(3):
        modified = min(most, int(pace.stored_units(runs_ns, unit, replication.first_store_ns)) * unit)
        sending_ns = modified * 8 * 10**9 // scenario.link.bandwidth
        copying_ns = round(modified // host.line * host.memory.latency / host.memory.parallelism)
        period_ns = max(interval_ns, sending_ns) + copying_ns
        if scenario.duration < 2 * period_ns:
            return modified, 1
        runs_ns = max(interval_ns, sending_ns)
    return modified, replication.epochs_at_once


def _shipping_key(scenario: Scenario) -> tuple[str, str]:
    replication, line = scenario.replication, scenario.hosts.primary.line
    unit = replication.unit_bytes(line)
    if replication.epoch_ns is None or not replication.makes_checkpoints:
        return "vm.memory", SIZE.format(scenario.vm.memory)
    if unit > max(line, replication.least_granularity):
        return "replication.granularity", SIZE.format(unit)
    return f"replication.{replication.epoch_key}", DURATION.format(replication.epoch_ns)


def _compressor_bytes(scenario: Scenario, pace: Pace) -> int:
    """Return the bytes of what is known of the units whose old contents are at hand."""
    compression = scenario.replication.compression
    unit = scenario.replication.unit_bytes(scenario.hosts.primary.line)
    assert compression is not None
    most = min(compression.cache, scenario.vm.memory) // unit
    return min(most, int(pace.stored_units(scenario.duration, unit))) * KNOWN_UNIT_BYTES


# Hosts and traces.


def _caches(name: str, host: HostSpec, vcpus: int) -> Iterator[Part]:
    """Yield the rows of each level; a set of L1 or L2, of which every vCPU has one, has one row more than ways."""
    for key, level, row in (("l1", host.l1, L1_ROW_BYTES), ("l2", host.l2, L2_ROW_BYTES)):
        size = vcpus * level.sets(host.line) * (1 + level.ways) * row
        yield Part(f"{name}.{key}.size", SIZE.format(level.size), size)
    if host.l3:
        yield Part(f"{name}.l3.size", SIZE.format(host.l3.size), host.l3.size // host.line * L3_ROW_BYTES)


def _trace_bytes(scenario: Scenario) -> int:
    """Return what is held of a trace: all of it, or what was read last and a chunk for each reader and vCPU."""
    assert isinstance(scenario.workload, TraceWorkload)
    trace = opened_trace(scenario.workload.trace)
    decoding = min(trace.records, trace.CHUNK_RECORDS) * DECODED_BYTES
    if trace.records <= trace.KEEP_RECORDS:
        return trace.records * RECORD_BYTES + decoding
    return (trace.RECENT_ROW_GROUPS + 2 * scenario.vm.vcpus) * trace.CHUNK_RECORDS * RECORD_BYTES + decoding


def _rounded(size: int) -> str:
    """Return a size in whole mebibytes, rounded up."""
    return SIZE.format(-(-size >> 20 << 20))
