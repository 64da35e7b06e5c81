"""Defects of the replication manager, the output buffer, the link and the receiver."""

from dataclasses import replace
from typing import Any

from scenarios_for_tests import minute, small

from vmfailover.guest.guest import Guest, GuestState
from vmfailover.guest.server import RequestServer
from vmfailover.hardware.link import Channel
from vmfailover.replication.manager import ReplicationManager
from vmfailover.replication.output_buffer import OutputBuffer
from vmfailover.replication.protocols.cacheline_flags.protection import FlaggedLines
from vmfailover.replication.receiver import Receiver

from .injection import Injection, mutant

CRASH = {"kind": "host-crash", "target": "primary"}
MID_TRANSFER = small("base", failures=[{**CRASH, "at_phase": "mid-transfer", "epoch": 3}])
#: A log that no epoch fills.
ROOMY = small("no-streaming", **{"replication.log.size": "1 MiB"})
#: A secondary that is still applying a checkpoint when it has to take over.
SLOW_TO_APPLY = small(
    "base",
    **{
        "hosts.secondary.memory.bandwidth": "200 MB/s",
        "failures": [{**CRASH, "at_phase": "between-commit-and-ack", "epoch": 2}],
    },
)


@mutant(small("no-streaming"), caught_by="nothing_lost_in_log")
def unread_log_released(injection: Injection) -> None:
    @injection.into(FlaggedLines, "release")
    def release(original: Any, tracker: FlaggedLines, position: int) -> None:
        injection.fired += position != tracker.position
        original(tracker, tracker.position)


@mutant(ROOMY, caught_by="tail_waits")
def log_released_before_the_commit(injection: Injection) -> None:
    @injection.into(FlaggedLines, "read")
    def read(original: Any, tracker: FlaggedLines) -> Any:
        addresses = original(tracker)
        tracker.release(tracker.position)
        injection.fire()
        return addresses


@mutant(small("base"), caught_by="image")
def deduplication_drops_the_last_line(injection: Injection) -> None:
    @injection.into(ReplicationManager, "_read_log")
    def read_log(original: Any, manager: ReplicationManager) -> Any:
        lines, duration = original(manager)
        injection.fired += lines.size > 0
        return lines[:-1], duration


@mutant(small("base"), caught_by="image")
def one_line_dropped_from_one_epoch(injection: Injection) -> None:
    @injection.into(ReplicationManager, "_read_log")
    def read_log(original: Any, manager: ReplicationManager) -> Any:
        lines, duration = original(manager)
        if manager.epoch.number != 1 or manager.epoch.captured_ns is None:
            return lines, duration
        injection.fire()
        return lines[1:], duration


@mutant(small("base"), caught_by="nothing_lost_in_log")
def harvest_before_the_final_scan(injection: Injection) -> None:
    find_residue = ReplicationManager._find_residue

    @injection.into(ReplicationManager, "_find_residue")
    def not_yet(original: Any, manager: ReplicationManager, epoch: Any) -> Any:
        del original, manager, epoch
        return iter(())

    @injection.into(ReplicationManager, "_resume")
    def resume(original: Any, manager: ReplicationManager, epoch: Any) -> Any:
        yield from find_residue(manager, epoch)
        injection.fire()
        yield from original(manager, epoch)


@mutant(small("base"), caught_by="image")
def vm_runs_during_the_harvest(injection: Injection) -> None:
    @injection.into(ReplicationManager, "_harvest")
    def harvest(original: Any, manager: ReplicationManager, epoch: Any) -> Any:
        vm = manager.parts.guest.vm
        vm.resume(int(manager.env.now))
        injection.fire()
        batches = yield from original(manager, epoch)
        vm.pause(int(manager.env.now))
        return batches


@mutant(small("base"), caught_by="program")
def state_one_epoch_old(injection: Injection) -> None:
    @injection.into(Receiver, "mark")
    def mark(original: Any, receiver: Receiver, marker: Any) -> None:
        injection.fire()
        original(receiver, replace(marker, state=previous[0]))
        previous[0] = marker.state

    previous = [GuestState((0,), 0)]


@mutant(small("base"), caught_by="answers_wait")
def outputs_released_at_send(injection: Injection) -> None:
    @injection.into(ReplicationManager, "_ship")
    def ship(original: Any, manager: ReplicationManager, epoch: Any, batches: Any) -> Any:
        sent = original(manager, epoch, batches)
        manager.parts.outputs.release_through(epoch.number)
        injection.fired += len(epoch.outputs)
        return sent


@mutant(small("slow-link"), caught_by="output_commit")
def outputs_of_the_next_epoch_released(injection: Injection) -> None:
    @injection.into(OutputBuffer, "release_through")
    def release_through(original: Any, outputs: OutputBuffer, epoch: int) -> None:
        injection.fired += any(number == epoch + 1 for number, _ in outputs._held)
        original(outputs, epoch + 1)


@mutant(small("base", **{"clients.service": "40 us"}), caught_by="output_commit")
def outputs_taken_that_are_not_computed_yet(injection: Injection) -> None:
    @injection.into(RequestServer, "take_completed")
    def take_completed(original: Any, server: RequestServer, guest_ns: int) -> Any:
        completed = original(server, guest_ns + 100_000)
        injection.fired += sum(completion.guest_ns > guest_ns for completion in completed)
        return completed


@mutant(ROOMY, caught_by="output_commit")
def acknowledged_before_staged(injection: Injection) -> None:
    @injection.into(Receiver, "stage")
    def stage(original: Any, receiver: Receiver, batch: Any) -> None:
        if batch.epoch not in receiver._staged:
            receiver._commit_point.acknowledge(batch.epoch)
            injection.fire()
        original(receiver, batch)


@mutant(small("base"), caught_by="image")
def committed_with_a_batch_missing(injection: Injection) -> None:
    @injection.into(Receiver, "mark")
    def mark(original: Any, receiver: Receiver, marker: Any) -> None:
        del original
        staged = receiver._staged[marker.epoch]
        del staged.batches[0]
        injection.fire()
        receiver.commit(staged, marker)


@mutant(MID_TRANSFER, caught_by="image")
def lines_applied_as_they_arrive(injection: Injection) -> None:
    @injection.into(Receiver, "stage")
    def stage(original: Any, receiver: Receiver, batch: Any) -> None:
        original(receiver, batch)
        receiver._host.memory.apply(batch.lines, batch.versions)
        injection.fire()


@mutant(MID_TRANSFER, caught_by="image")
def uncommitted_lines_applied_at_takeover(injection: Injection) -> None:
    @injection.into(Receiver, "close")
    def close(original: Any, receiver: Receiver) -> Any:
        for staged in receiver._staged.values():
            for batch in staged.batches:
                receiver._host.memory.apply(batch.lines, batch.versions)
                injection.fire()
        yield from original(receiver)


@mutant(small("base"), caught_by="image")
def batches_applied_backwards(injection: Injection) -> None:
    @injection.into(Receiver, "apply")
    def apply(original: Any, receiver: Receiver, epoch: int, staged: Any) -> None:
        staged.batches.reverse()
        injection.fire()
        original(receiver, epoch, staged)


@mutant(SLOW_TO_APPLY, caught_by="image")
def takeover_before_everything_is_applied(injection: Injection) -> None:
    @injection.into(Receiver, "close")
    def close(original: Any, receiver: Receiver) -> Any:
        del original
        receiver.endpoint.close()
        injection.fired += len(receiver._to_apply)
        return iter(())


@mutant(small("lossy-link"), caught_by="epochs_commit_in_order")
def stream_out_of_order(injection: Injection) -> None:
    @injection.into(Channel, "send")
    def send(original: Any, channel: Channel, message: Any, to: Any) -> Any:
        injection.fired += channel._last_arrival > channel.env.now + channel.spec.latency
        channel._last_arrival = 0
        return original(channel, message, to)


@mutant(small("no-streaming"), caught_by="nothing_lost_in_log")
def device_write_not_logged(injection: Injection) -> None:
    @injection.into(Guest, "_write_buffer")
    def write_buffer(original: Any, guest: Guest) -> None:
        guest.on_device_write = lambda _: None
        injection.fire()
        original(guest)


@mutant(minute("no-streaming", **{"hypervisor.vcpu_capture": "40 us"}), caught_by="nothing_lost_in_log")
def device_writes_after_the_capture(injection: Injection) -> None:
    @injection.into(Guest, "receive")
    def receive(original: Any, guest: Guest, request: int) -> None:
        pauses = guest.vm._pauses
        injection.fired += pauses > 0
        guest.vm._pauses = 0
        original(guest, request)
        guest.vm._pauses = pauses
