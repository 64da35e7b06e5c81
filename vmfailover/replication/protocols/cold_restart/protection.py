"""Cold restart (vSphere HA, Kubernetes, Pacemaker): nothing is replicated, the VM starts again on the other host."""

from collections.abc import Generator
from typing import Any, ClassVar

import simpy

from vmfailover.guest.answers import Answers
from vmfailover.guest.guest import GuestState
from vmfailover.replication.protection import Protection


class ColdRestart(Protection):
    """Boots, or restores from storage; all that the guest has done since the run began is lost, answers included."""

    promises: ClassVar[tuple[str, ...]] = ("image", "one_active_vm", "dirty_lines_balance", "program")

    def start(self) -> None:
        """Run the VM; its answers leave as they become ready."""
        context, node = self.context, self.context.primary
        Answers(self.env, node.host, node.guest, context.outlet.release).start()
        node.vm.resume(int(self.env.now))

    def complete(self) -> Generator[simpy.Event, Any, GuestState | None]:
        """Read the saved image, or leave memory empty to boot."""
        yield self.env.timeout(self._read_ns)
        return self.context.start

    def settle(self) -> bool:
        """There is nothing to bring anywhere."""
        return True

    @property
    def activation_ns(self) -> int:
        """Time to boot, or to restore state, until the network knows."""
        restart = self.context.scenario.replication.restart
        redirect = self.context.scenario.hypervisor.redirect
        return super().activation_ns if restart.kind == "restore" else restart.boot + redirect

    @property
    def memory_bytes(self) -> int:
        """No memory is taken."""
        return 0

    @property
    def _read_ns(self) -> int:
        restart = self.context.scenario.replication.restart
        return self.context.scenario.in_use * 10**9 // restart.storage if restart.kind == "restore" else 0
