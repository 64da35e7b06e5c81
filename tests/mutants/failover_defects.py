"""Defects of fencing, takeover and what runs afterwards."""

from typing import Any

from scenarios_for_tests import small

from vmfailover.cluster import Cluster
from vmfailover.failover.fencing import Stonith
from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.hardware.host import Host
from vmfailover.replication.protection import Protection

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
        yield fencing.env.timeout(fencing._delay_ns)
        return True


@mutant(FALSE_ALARM, caught_by="one_active_vm")
def takeover_does_not_wait_for_fencing(injection: Injection) -> None:
    @injection.into(Stonith, "fence")
    def fence(original: Any, fencing: Stonith, victim: Any, by: Any) -> Any:
        injection.fired += victim.up
        fencing.env.process(original(fencing, victim, by))
        return True
        yield


@mutant(small("base"), caught_by="one_active_vm")
def vm_outlives_its_host(injection: Injection) -> None:
    @injection.into(Cluster, "_stop")
    def stop(original: Any, cluster: Cluster, node: Any) -> None:
        del original, cluster, node
        injection.fire()


@mutant(BEFORE_THE_ACKNOWLEDGEMENT, caught_by="output_commit")
def dead_host_answers_its_clients(injection: Injection) -> None:
    @injection.into(Host, "accept")
    def accept(original: Any, host: Host, deliver: Any) -> None:
        del original
        injection.fired += not host.up
        deliver()


@mutant(small("base"), caught_by="program")
def vm_resumes_ten_records_late(injection: Injection) -> None:
    @injection.into(VirtualMachine, "load")
    def load(original: Any, vm: VirtualMachine, workload: Any, positions: Any, guest_ns: int, now_ns: int) -> None:
        late = 10 * (now_ns > 0)
        injection.fired += late
        original(vm, workload, [position + late for position in positions], guest_ns, now_ns)


@mutant(small("base"), caught_by="program")
def vm_resumes_where_the_primary_died(injection: Injection) -> None:
    @injection.into(Protection, "activate")
    def activate(original: Any, protection: Protection, state: Any) -> None:
        lost = protection.site.primary.guest.capture()
        injection.fired += lost.positions != state.positions
        original(protection, lost)


@mutant(small("base"), caught_by="nothing_lost_in_log")
def second_mode_after_the_takeover(injection: Injection) -> None:
    @injection.into(VirtualMachine, "load")
    def load(original: Any, vm: VirtualMachine, workload: Any, positions: Any, guest_ns: int, now_ns: int) -> None:
        original(vm, workload, positions, guest_ns, now_ns)
        if now_ns > 0:
            vm.processor.set_first_mode(0, False)
            injection.fire()
