"""Where a protocol works: the two hosts with what runs on them, and what is between and around them."""

from collections.abc import Callable
from dataclasses import dataclass, field

import simpy

from vmfailover.guest.guest import Guest, GuestState
from vmfailover.guest.server import Completion
from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.guest.workloads import Workload
from vmfailover.hardware.host import Host
from vmfailover.hardware.link import Link
from vmfailover.journal import Journal
from vmfailover.replication.epoch import Epoch
from vmfailover.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Node:
    """One host with the guest that runs, or may run, on it."""

    host: Host
    guest: Guest

    @property
    def vm(self) -> VirtualMachine:
        """The guest's virtual machine."""
        return self.guest.vm

    def slow_down(self, factor: float) -> None:
        """Let everything that the VM does here take `factor` times as long as it should."""
        self.host.processor.set_slowdown(factor)
        self.guest.slowdown = factor


@dataclass(frozen=True, slots=True)
class Site:
    """All that a protocol may use."""

    env: simpy.Environment
    scenario: Scenario
    journal: Journal
    link: Link
    primary: Node
    secondary: Node
    workload: Workload
    #: The state in which the guest is when protection begins, and that both hosts' memory has then.
    start: GuestState
    #: Lets an answer of the primary leave for its client.
    release: Callable[[Completion], None]
    #: Lets an answer of the secondary, which has taken over, leave for its client.
    respond: Callable[[Completion], None]
    #: Lets an answer of the primary leave, which goes on without a secondary.
    respond_alone: Callable[[Completion], None]
    #: Lets the network deliver to this guest from now on.
    connect: Callable[[Guest], None]
    #: The epochs of the VM so far, whoever protected it, to which those to come are added.
    epochs: list[Epoch] = field(default_factory=list)

    @property
    def line_bytes(self) -> int:
        """Bytes of a line, on both hosts."""
        return self.primary.host.memory.line_bytes

    @property
    def unit_lines(self) -> int:
        """Lines of the unit in which modified memory is found and shipped."""
        return self.scenario.replication.unit_bytes(self.line_bytes) // self.line_bytes
