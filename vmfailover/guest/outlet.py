"""The way from the VM's hosts to its clients, as whoever protects the VM uses it."""

from dataclasses import dataclass

import simpy

from vmfailover.guest.clients import Clients
from vmfailover.guest.guest import Guest
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.guest.server import Completion


@dataclass(frozen=True, slots=True)
class Release:
    """An output that has left the primary for its client."""

    #: Guest time at which the VM produced it.
    guest_ns: int
    time_ns: int
    #: Whether the secondary, executing by itself, had produced the same output by then.
    agreed: bool = False


class Outlet:
    """Lets the answers of two hosts that protect a VM leave for their clients, and notes what has left the primary."""

    def __init__(self, env: simpy.Environment, clients: Clients | None, primary: HostedVm, secondary: HostedVm) -> None:
        """Lead to `clients`, if there are any; nothing has left yet."""
        self.env = env
        self._clients = clients
        self._primary = primary
        self._secondary = secondary
        #: Outputs of the primary whose leaving the protocol has allowed.
        self.releases: list[Release] = []
        #: Instants at which the primary let an answer leave that it had not shared with the secondary, nanoseconds.
        self.alone_ns: list[int] = []

    def release(self, output: Completion) -> None:
        """Let an answer of the protected VM leave the primary."""
        now = int(self.env.now)
        ready_ns = self._secondary.guest.server.ready_ns(output.request)
        agreed = ready_ns is not None and ready_ns <= self._secondary.vm.guest_ns(now)
        self.releases.append(Release(output.guest_ns, now, agreed))
        self._leave(output, self._primary)

    def respond(self, output: Completion) -> None:
        """Let an answer of the secondary leave, which has taken over."""
        self._leave(output, self._secondary)

    def respond_alone(self, output: Completion) -> None:
        """Let an answer of the primary leave, which goes on without a secondary."""
        self.alone_ns.append(int(self.env.now))
        self._leave(output, self._primary)

    def redirect(self, guest: Guest) -> None:
        """Let the network deliver to this guest from now on."""
        if self._clients is not None:
            self._clients.connect(guest)

    def _leave(self, output: Completion, sender: HostedVm) -> None:
        if self._clients is not None:
            self._clients.respond(output.request, sender.guest.planes)
