"""A VM on a host: what runs there, or may run there."""

from dataclasses import dataclass

from vmfailover.guest.guest import Guest
from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.hardware.host import Host


@dataclass(frozen=True, slots=True)
class HostedVm:
    """One host with the guest that runs, or may run, on it."""

    host: Host
    guest: Guest

    @property
    def vm(self) -> VirtualMachine:
        """The guest's virtual machine."""
        return self.guest.vm
