"""Defects of single protocols, two at least of each."""

from typing import Any

import numpy as np
from scenarios_for_tests import small

from vmfailover.cluster.cluster import Cluster
from vmfailover.guest.guest import Guest
from vmfailover.hardware.processor import Processor
from vmfailover.replication.first_stores import FirstStores
from vmfailover.replication.output_buffer import OutputBuffer
from vmfailover.replication.precopy import Precopy
from vmfailover.replication.protocols.cacheline_transfer.protection import TransferredLines
from vmfailover.replication.protocols.cold_restart.protection import ColdRestart
from vmfailover.replication.protocols.output_compare.comparison import MemoryComparison, OutputComparison
from vmfailover.replication.protocols.record_replay.protection import RecordReplay, Replica
from vmfailover.replication.protocols.undo_log.entries import UndoEntries
from vmfailover.replication.protocols.undo_log.mirror import Mirror, UndoPacking
from vmfailover.replication.protocols.undo_log.pool import Pool

from .injection import Injection, mutant

# Cache-line transfers.


@mutant(small("cacheline-transfer"), caught_by="nothing_lost_in_log")
def checkpoint_without_cleaning(injection: Injection) -> None:
    @injection.into(TransferredLines, "find_modified")
    def find_modified(original: Any, tracker: TransferredLines, make_room: Any) -> Any:
        del original, make_room
        injection.fired += tracker._processor.dirty_rows
        return iter(())


@mutant(small("cacheline-transfer-cores", **{"workload.working_set": "512 KiB"}), caught_by="nothing_lost_in_log")
def lines_cleaned_but_not_logged(injection: Injection) -> None:
    @injection.into(TransferredLines, "find_modified")
    def find_modified(original: Any, tracker: TransferredLines, make_room: Any) -> Any:
        injection.fired += tracker._processor.clean()
        yield from original(tracker, make_room)


# Pages.


#: Pages all of whose lines stay in the caches.
CACHED = {"workload": {"kind": "uniform", "working_set": "16 KiB", "instructions_per_access": 30.0}}


@mutant(small("page-write-protect", **CACHED), caught_by="nothing_lost_in_log")
def pages_not_protected_again(injection: Injection) -> None:
    @injection.into(Processor, "begin_interval")
    def begin_interval(original: Any, processor: Processor) -> None:
        del original
        injection.fired += processor.flagged_lines.size
        processor.state.tracked[:] = 0


@mutant(small("page-write-protect-large"), caught_by="nothing_lost_in_log")
def pages_written_by_devices_not_noted(injection: Injection) -> None:
    @injection.into(FirstStores, "note_device_write")
    def note_device_write(original: Any, tracker: FirstStores, lines: range) -> None:
        del original, tracker
        injection.fired += len(lines)


@mutant(small("page-modification-log"), caught_by="nothing_lost_in_log")
def last_entry_of_the_buffer_forgotten(injection: Injection) -> None:
    @injection.into(FirstStores, "read")
    def read(original: Any, tracker: FirstStores) -> Any:
        addresses = original(tracker)
        injection.fired += addresses.size > 0
        return addresses[:-1]


@mutant(small("page-modification-log-cores"), caught_by="nothing_lost_in_log")
def buffer_emptied_before_it_is_read(injection: Injection) -> None:
    @injection.into(FirstStores, "find_modified")
    def find_modified(original: Any, tracker: FirstStores, make_room: Any) -> Any:
        injection.fired += tracker._processor.noted_units.size
        tracker._processor.begin_interval()
        yield from original(tracker, make_room)


@mutant(small("page-dirty-bits"), caught_by="nothing_lost_in_log")
def half_of_the_page_tables_not_walked(injection: Injection) -> None:
    @injection.into(FirstStores, "read")
    def read(original: Any, tracker: FirstStores) -> Any:
        addresses = original(tracker)
        walked = addresses < tracker._processor.memory.versions.size * tracker._processor.spec.line // 4
        injection.fired += int(np.count_nonzero(~walked))
        return addresses[walked]


@mutant(small("page-dirty-bits-cores"), caught_by="nothing_lost_in_log")
def bits_of_the_interval_before(injection: Injection) -> None:
    late: list[Any] = []

    @injection.into(FirstStores, "read")
    def read(original: Any, tracker: FirstStores) -> Any:
        late.append(original(tracker))
        injection.fired += len(late) > 1
        return late[-2] if len(late) > 1 else late[-1]


# Undo logs.

#: A guest whose lines stay in the caches.
SLUGGISH = {"workload": {"kind": "zipf", "working_set": "1 MiB", "instructions_per_access": 1000.0}}


@mutant(small("undo-log"), caught_by="image")
def log_not_mirrored(injection: Injection) -> None:
    @injection.into(UndoPacking, "pack")
    def pack(original: Any, packing: UndoPacking, epoch: int, lines: Any, versions: Any) -> Any:
        messages = original(packing, epoch, lines, versions)
        kept = packing._lines.pack(epoch, lines, versions)
        injection.fired += len(messages) > len(kept)
        return kept


@mutant(small("undo-log"), caught_by="image")
def log_kept_beyond_the_commit(injection: Injection) -> None:
    @injection.into(Mirror, "mark")
    def mark(original: Any, mirror: Mirror, marker: Any) -> None:
        undo = list(mirror._undo)
        injection.fired += len(undo)
        original(mirror, marker)
        mirror._undo = undo


@mutant(small("undo-log-local", **SLUGGISH, **{"failures.0.at": "6150 us"}), caught_by="image")
def caches_not_written_back_at_the_checkpoint(injection: Injection) -> None:
    @injection.into(Processor, "clean")
    def clean(original: Any, processor: Processor) -> int:
        del original
        injection.fired += processor.dirty_rows
        return 0


@mutant(small("undo-log-local"), caught_by="image")
def not_rolled_back(injection: Injection) -> None:
    @injection.into(Pool, "_uncommitted")
    def undo(original: Any, pool: Pool) -> Any:
        injection.fired += sum(lines.size for lines, _ in original(pool))
        return []


@mutant(small("undo-log-local"), caught_by="image")
def log_begins_with_the_second_store(injection: Injection) -> None:
    @injection.into(UndoEntries, "take_fresh")
    def take_fresh(original: Any, entries: UndoEntries) -> Any:
        lines, versions = original(entries)
        injection.fired += lines.size
        return lines, versions + 1


# Output comparison.


@mutant(small("output-compare"), caught_by="output_commit")
def outputs_leave_uncompared(injection: Injection) -> None:
    @injection.into(OutputComparison, "produced_here")
    def produce(original: Any, outputs: OutputComparison, completion: Any) -> None:
        del original
        injection.fire()
        outputs._context.outlet.release(completion)


@mutant(small("output-compare"), caught_by="image")
def pages_that_only_the_secondary_modified_not_overwritten(injection: Injection) -> None:
    @injection.into(MemoryComparison, "differing")
    def differing(original: Any, memory: MemoryComparison, units: Any) -> Any:
        newest, _ = memory._context.primary.host.processor.fetch(units * memory._context.unit_lines)
        del newest
        injection.fired += units.size
        return (yield from original(memory, units[::2]))


@mutant(small("output-compare-hashing"), caught_by="image")
def pages_taken_for_the_same(injection: Injection) -> None:
    @injection.into(MemoryComparison, "differ")
    def differ(original: Any, memory: MemoryComparison, units: Any) -> Any:
        differing = original(memory, units)
        injection.fired += int(differing.sum())
        return np.zeros_like(differing)


# Record and replay.

#: A replica that has not caught up when the failure is detected.
FAR_BEHIND = {"replication.record_replay.slowdown": "100 %", "replication.record_replay.lag": "1 s"}


@mutant(small("record-replay"), caught_by="output_commit")
def outputs_do_not_wait_for_the_log(injection: Injection) -> None:
    @injection.into(OutputBuffer, "hold")
    def hold(original: Any, outputs: OutputBuffer, epoch: int, completed: Any) -> None:
        injection.fired += len(completed)
        original(outputs, epoch, completed)
        outputs.release_through(epoch)


@mutant(small("record-replay"), caught_by="image")
def inputs_not_replayed(injection: Injection) -> None:
    @injection.into(Replica, "replay")
    def replay(original: Any, replica: Replica, to: Any) -> Any:
        injection.fired += to.device_writes > replica.state.device_writes
        ring = replica._node.guest.ring
        written, ring.written = ring.written, lambda *_: np.zeros(0, np.int64)  # type: ignore[method-assign]
        duration_ns = original(replica, to)
        ring.written = written  # type: ignore[method-assign]
        return duration_ns


@mutant(small("record-replay-behind", **FAR_BEHIND), caught_by="image")
def goes_live_before_it_has_caught_up(injection: Injection) -> None:
    @injection.into(RecordReplay, "complete")
    def complete(original: Any, protection: RecordReplay) -> Any:
        del original
        injection.fired += protection._behind
        return protection.committed
        yield


# Live pre-copy.


@mutant(small("live-precopy-rounds"), caught_by="image")
def last_round_forgotten(injection: Injection) -> None:
    @injection.into(Precopy, "send")
    def send(original: Any, precopy: Precopy, units: Any, began_ns: int) -> Any:
        if precopy._context.primary.vm.running:
            return original(precopy, units, began_ns)
        injection.fired += units.size
        return original(precopy, units[:0], began_ns)


#: A guest that does not come back soon to what it has written.
ONWARD = {"workload": {"kind": "sequential", "working_set": "2 MiB", "instructions_per_access": 600.0}}


@mutant(small("live-precopy", **ONWARD), caught_by="image")
def every_other_page_missed_by_the_first_round(injection: Injection) -> None:
    @injection.into(Precopy, "written_pages")
    def written_pages(original: Any, precopy: Precopy) -> Any:
        injection.fire()
        return original(precopy)[::2]


@mutant(small("live-precopy"), caught_by="image")
def state_captured_before_the_vm_stopped(injection: Injection) -> None:
    early: dict[int, Any] = {}
    capture = Guest.capture

    @injection.into(Precopy, "goes_on")
    def goes_on(original: Any, precopy: Precopy, units: int, sent_lines: int) -> Any:
        guest = precopy._context.primary.guest
        early.setdefault(id(guest), capture(guest))
        return original(precopy, units, sent_lines)

    @injection.into(Guest, "capture")
    def captured(original: Any, guest: Guest) -> Any:
        injection.fired += id(guest) in early
        return early.get(id(guest)) or original(guest)


# Cold restart.


@mutant(small("cold-restart"), caught_by="program")
def restarts_where_the_primary_died(injection: Injection) -> None:
    @injection.into(ColdRestart, "complete")
    def complete(original: Any, protection: ColdRestart) -> Any:
        del original
        injection.fire()
        return protection.context.primary.guest.capture()
        yield


@mutant(small("cold-restart-restore"), caught_by="image")
def a_line_of_the_saved_image_is_wrong(injection: Injection) -> None:
    @injection.into(ColdRestart, "complete")
    def complete(original: Any, protection: ColdRestart) -> Any:
        state = yield from original(protection)
        protection.context.secondary.host.memory.versions[7] += 1
        injection.fire()
        return state


@mutant(small("cold-restart"), caught_by="one_active_vm")
def restarts_beside_the_primary(injection: Injection) -> None:
    @injection.into(Cluster, "_stop")
    def stop(original: Any, cluster: Cluster, node: Any) -> None:
        del original, cluster, node
        injection.fire()
