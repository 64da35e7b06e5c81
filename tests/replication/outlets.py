"""An outlet that keeps what leaves by it."""

import simpy

from vmfailover.guest.guest import Guest
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.guest.outlet import Outlet
from vmfailover.guest.server import Completion


class WatchedOutlet(Outlet):
    """Keeps (request, instant) of each answer, and (guest time, instant) of each guest that the network turns to."""

    def __init__(self, env: simpy.Environment, primary: HostedVm, secondary: HostedVm) -> None:
        super().__init__(env, None, primary, secondary)
        #: What left the first host, and what left the second after the takeover.
        self.released: list[tuple[int, int]] = []
        self.responded: list[tuple[int, int]] = []
        self.redirected: list[tuple[int, int]] = []

    def release(self, output: Completion) -> None:
        self.released.append((output.request, int(self.env.now)))

    def respond(self, output: Completion) -> None:
        self.responded.append((output.request, int(self.env.now)))

    def respond_alone(self, output: Completion) -> None:
        super().respond_alone(output)
        self.responded.append((output.request, int(self.env.now)))

    def redirect(self, guest: Guest) -> None:
        self.redirected.append((guest.capture().guest_ns, int(self.env.now)))
