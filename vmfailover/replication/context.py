"""Where a protocol works: the two hosts with what runs on them, and what is between and around them."""

from dataclasses import dataclass

import simpy

from vmfailover.engine.event_log import EventLog
from vmfailover.guest.fidelity import GuestWorkload
from vmfailover.guest.guest import GuestState
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.guest.outlet import Outlet
from vmfailover.hardware.link import Link
from vmfailover.replication.epoch_recorder import EpochRecorder
from vmfailover.scenario import Scenario


@dataclass(frozen=True, slots=True)
class ProtectionContext:
    """All that a protocol may use."""

    env: simpy.Environment
    scenario: Scenario
    event_log: EventLog
    link: Link
    primary: HostedVm
    secondary: HostedVm
    workload: GuestWorkload
    #: The state in which the guest is when protection begins, and that both hosts' memory has then.
    start: GuestState
    #: The way to the VM's clients.
    outlet: Outlet
    #: Writes down the life of the VM's epochs.
    recorder: EpochRecorder

    @property
    def line_bytes(self) -> int:
        """Bytes of a line, on both hosts."""
        return self.primary.host.memory.line_bytes

    @property
    def units_in_message(self) -> int:
        """Units in a message to the secondary, at most."""
        replication = self.scenario.replication
        line_bytes = self.primary.host.processor.spec.line
        return max(1, replication.batch * line_bytes // (self.unit_lines * self.line_bytes))

    @property
    def unit_lines(self) -> int:
        """Lines of the unit in which modified memory is found and shipped."""
        return self.scenario.replication.unit_bytes(self.line_bytes) // self.line_bytes
