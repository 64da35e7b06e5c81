"""Takeover: from the verdict of the detector to the VM running on the secondary."""

from collections.abc import Callable, Generator
from typing import Any

import simpy

from vmfailover.failover.fencing import Fencing
from vmfailover.guest.guest import GuestState
from vmfailover.hardware.host import Host
from vmfailover.journal import Journal
from vmfailover.replication.receiver import Receiver
from vmfailover.scenario.replication import Hypervisor

Steps = Generator[simpy.Event, Any, None]


class Takeover:
    """Fences the primary, completes the image, and activates the VM on the secondary."""

    def __init__(
        self,
        env: simpy.Environment,
        receiver: Receiver,
        fencing: Fencing,
        hypervisor: Hypervisor,
        journal: Journal,
        secondary: Host,
    ) -> None:
        """Prepare to take over on `secondary`."""
        self.env = env
        self._receiver = receiver
        self._fencing = fencing
        self._hypervisor = hypervisor
        self._journal = journal
        self._secondary = secondary

    def run(self, declared: simpy.Event, primary: Host, activate: Callable[[GuestState], None]) -> Steps:
        """Wait for the verdict, then take over; `activate` starts the VM from the last committed checkpoint."""
        yield declared
        self._journal.record("detect", self._secondary.name)
        yield from self._fencing.fence(primary)
        self._journal.record("fence", self._secondary.name)
        yield from self._receiver.close()
        self._journal.record("image-complete", self._secondary.name, epoch=self._receiver.committed_epoch)
        yield self.env.timeout(self._hypervisor.restore + self._hypervisor.redirect)
        activate(self._receiver.committed)
        self._journal.record("takeover", self._secondary.name, epoch=self._receiver.committed_epoch)
