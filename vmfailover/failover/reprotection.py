"""Protection once more: a second host for a VM that runs on one, and the way home."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import numpy as np
import simpy

from vmfailover.failover.detection import new_detector
from vmfailover.failover.fencing import new_fencing
from vmfailover.machines import Machines
from vmfailover.replication.checkpointing import Checkpointing
from vmfailover.replication.site import Node, Site
from vmfailover.replication.synchronisation import Synchronisation
from vmfailover.replication.unprotected import UnprotectedVm
from vmfailover.streams import generator

Steps = Generator[simpy.Event, Any, None]
#: Protects the VM on a site's primary, which stands still in the state `site.start`.
Protect = Callable[[Site], None]
#: Returns the site of a VM on the first of two hosts, with the second.
NewSite = Callable[[Node, Node], Site]


class Reprotection:
    """Waits for a host, synchronises it with the VM, and has the VM protected again."""

    def __init__(self, machines: Machines, new_site: NewSite, protect: Protect) -> None:
        """Do nothing yet."""
        self._machines = machines
        self._new_site = new_site
        self._protect = protect

    def run(self, node: Node, unprotected: UnprotectedVm) -> Steps:
        """Find the VM of `node` a second host, and another one if that fails meanwhile."""
        synchronised = None
        while synchronised is None:
            name = yield from self._machines.put_into_service()
            site = self._new_site(node, self._machines.build(name, node.host.name))
            synchronised = yield from self._synchronise(site, unprotected)
        self._protect(synchronised)

    def _synchronise(self, site: Site, unprotected: UnprotectedVm) -> Generator[simpy.Event, Any, Site | None]:
        """Return the site with the state that both hosts have; None if the new host has failed."""
        primary, secondary = site.primary.host, site.secondary.host
        site.journal.record("synchronise", secondary.name, detail=primary.name)
        detector = new_detector(site.env, site.scenario.detection, secondary, primary, self._random(site, "detection"))
        synchronisation = Synchronisation(site, unprotected)
        copying = primary.run(synchronisation.run())
        yield copying | detector.declared
        if copying.triggered:
            state = copying.value
            assert state is not None
            return replace(site, start=state)
        copying.interrupt()
        synchronisation.abandon()
        site.journal.record("synchronisation-failed", primary.name, detail=secondary.name)
        fencing = new_fencing(site.env, site.scenario.fencing, self._random(site, "fencing"))
        yield from fencing.fence(secondary, primary)
        return None

    def _random(self, site: Site, component: str) -> np.random.Generator:
        number = len(self._machines.built)
        return generator(site.scenario.seed, f"reprotection-{number}.{component}")


class Failback:
    """Moves a protected VM to the other host as planned, and has it protected the other way round at once."""

    def __init__(self, machines: Machines, new_site: NewSite, protect: Protect) -> None:
        """Do nothing yet."""
        self._machines = machines
        self._new_site = new_site
        self._protect = protect

    def leave(self, protection: Checkpointing, delay_ns: int) -> Steps:
        """On the host with the VM: when the time has come, stop it with a last checkpoint, and tell the other host."""
        site = protection.site
        yield site.env.timeout(delay_ns)
        site.journal.record("failback", site.primary.host.name)
        yield from protection.manager.last_checkpoint()
        protection.handing_over = True
        site.secondary.host.run_agent(self._arrive(protection))

    def _arrive(self, protection: Checkpointing) -> Steps:
        """On the other host: go on with the VM where it stopped."""
        site, here = protection.site, protection.site.secondary
        state = yield from protection.complete()
        assert state is not None
        site.journal.record("image-complete", here.host.name, epoch=protection.committed_epoch)
        yield site.env.timeout(protection.activation_ns)
        site.primary.host.end_processes()
        site.primary.host.end_agents()
        there = self._machines.build(site.primary.host.name, here.host.name)
        here.guest.start(site.workload, state)
        site.connect(here.guest)
        site.journal.record("returned", here.host.name)
        self._protect(replace(self._new_site(here, there), start=state))
