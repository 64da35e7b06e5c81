"""Defects of fencing, takeover and what runs afterwards."""

from typing import Any

import numpy as np
from scenarios_for_tests import small

from vmfailover.cluster.cluster import Cluster
from vmfailover.cluster.protected_pair import ProtectedPair
from vmfailover.cluster.reprotection import Failback
from vmfailover.failover.fencing.stonith.fencing import Stonith
from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.hardware.host import Host
from vmfailover.replication.precopy import Precopy
from vmfailover.replication.protection import Protection
from vmfailover.replication.standalone import StandaloneVm

from .injection import Injection, mutant

#: A primary that lives, but whose heartbeats wait behind a checkpoint for longer than the secondary does.
FALSE_ALARM = small("no-streaming", **{"link.bandwidth": "60 Mbit/s", "replication.batch": 512, "failures": []})
#: A primary that dies with its answers committed but not released.
BEFORE_THE_ACKNOWLEDGEMENT = small(
    "base",
    failures=[{"at_phase": "between-commit-and-ack", "epoch": 3, "kind": "host-crash", "target": "primary"}],
)


@mutant(FALSE_ALARM, caught_by="one_active_vm")
def fencing_does_nothing(injection: Injection) -> None:
    @injection.into(Stonith, "fence")
    def fence(original: Any, fencing: Stonith, victim: Any, by: Any) -> Any:
        del original, by
        injection.fired += victim.up
        yield fencing.env.timeout(fencing._spec.delay)
        return True


@mutant(FALSE_ALARM.with_(**{"fencing.delay": "3 ms"}), caught_by="one_active_vm")
def takeover_does_not_wait_for_fencing(injection: Injection) -> None:
    @injection.into(Stonith, "fence")
    def fence(original: Any, fencing: Stonith, victim: Any, by: Any) -> Any:
        injection.fired += victim.up
        fencing.env.process(original(fencing, victim, by))
        return True
        yield


@mutant(small("base", **{"replication.log.size": "4 MiB"}), caught_by="one_active_vm")
def vm_outlives_its_host(injection: Injection) -> None:
    @injection.into(Cluster, "_stop")
    def stop(original: Any, cluster: Cluster, node: Any) -> None:
        del original, cluster, node
        injection.fire()


@mutant(BEFORE_THE_ACKNOWLEDGEMENT, caught_by="output_commit")
def dead_host_answers_its_clients(injection: Injection) -> None:
    @injection.into(Host, "accept")
    def accept(original: Any, host: Host, message: Any, endpoint: Any) -> None:
        del original
        injection.fired += not host.up
        endpoint.handle(message)


@mutant(small("base"), caught_by="program")
def vm_resumes_ten_records_late(injection: Injection) -> None:
    @injection.into(VirtualMachine, "load")
    def load(original: Any, vm: Any, workload: Any, positions: Any, guest_ns: int, now_ns: int, waits: Any) -> None:
        late = 10 * (now_ns > 0)
        injection.fired += late
        original(vm, workload, [position + late for position in positions], guest_ns, now_ns, waits)


@mutant(small("base"), caught_by="program")
def vm_resumes_where_the_primary_died(injection: Injection) -> None:
    @injection.into(Protection, "activate")
    def activate(original: Any, protection: Protection, state: Any) -> None:
        lost = protection.context.primary.guest.capture()
        injection.fired += lost.positions != state.positions
        original(protection, lost)


@mutant(small("base"), caught_by="nothing_lost_in_log")
def second_mode_after_the_takeover(injection: Injection) -> None:
    @injection.into(VirtualMachine, "load")
    def load(original: Any, vm: Any, workload: Any, positions: Any, guest_ns: int, now_ns: int, waits: Any) -> None:
        original(vm, workload, positions, guest_ns, now_ns, waits)
        if now_ns > 0:
            vm.processor.set_first_mode(0, False)
            injection.fire()


# Re-protection and failback.

#: A primary that loses its VM, comes back with what it had, is synchronised, and gets the VM back as planned.
AND_BACK = small(
    "base",
    failures=[{"at": "3300 us", "kind": "vm-crash"}],
    duration="20 ms",
    reprotection={"repair": "500 us", "failback": "1500 us"},
    **{"replication.precopy": {"rounds": 4}},
)


@mutant(AND_BACK, caught_by="image")
def a_stale_image_is_believed(injection: Injection) -> None:
    @injection.into(Precopy, "written_pages")
    def written_pages(original: Any, precopy: Precopy) -> Any:
        ours = precopy._context.primary.host.processor
        theirs = precopy._context.secondary.host.memory.versions
        versions, _ = ours.fetch(np.arange(theirs.size))
        newer = np.unique(np.flatnonzero(versions > theirs) // precopy._page_lines)
        injection.fired += newer.size < original(precopy).size
        return newer

    @injection.into(Precopy, "_clear_all_but")
    def clear_all_but(original: Any, precopy: Precopy, pages: Any) -> None:
        del original, precopy, pages


@mutant(AND_BACK, caught_by="image")
def what_was_modified_meanwhile_is_forgotten(injection: Injection) -> None:
    @injection.into(StandaloneVm, "take_fresh")
    def take_fresh(original: Any, unprotected: StandaloneVm) -> Any:
        lines = original(unprotected)
        injection.fired += lines.size
        return lines[::2]


@mutant(AND_BACK, caught_by="output_commit")
def answers_leave_at_once_as_before_protection(injection: Injection) -> None:
    @injection.into(ProtectedPair, "start")
    def start(original: Any, pair: ProtectedPair) -> None:
        original(pair)
        if pair.begun_ns:
            injection.fire()
            pair.primary.guest.on_accept.append(pair.context.outlet.release)


@mutant(AND_BACK, caught_by="one_active_vm")
def the_vm_that_moves_back_is_not_stopped(injection: Injection) -> None:
    @injection.into(Failback, "_arrive")
    def arrive(original: Any, failback: Failback, protection: Any) -> Any:
        injection.fire()
        protection.context.primary.vm.resume(int(protection.env.now))
        return original(failback, protection)
