"""Protection once more: a second host for a VM that runs on one, and the way home."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import numpy as np
import simpy

from vmfailover.cluster.inventory import Inventory
from vmfailover.engine.steps import Steps
from vmfailover.engine.streams import generator
from vmfailover.failover.detection.watching import new_detector
from vmfailover.failover.fencing.fencing import new_fencing
from vmfailover.guest.guest import GuestState
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.records.events import Kind
from vmfailover.replication.checkpointing import Checkpointing
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.standalone import StandaloneVm
from vmfailover.replication.synchronisation import Synchronisation

#: Protects the VM on a context's primary, which stands still in the state `context.start`.
Protect = Callable[[ProtectionContext], None]
#: Returns the context of a VM on the first of two hosts, with the second.
NewContext = Callable[[HostedVm, HostedVm], ProtectionContext]


class Reprotection:
    """Waits for a host, synchronises it with the VM, and has the VM protected again."""

    def __init__(self, inventory: Inventory, new_context: NewContext, protect: Protect) -> None:
        """Do nothing yet."""
        self._inventory = inventory
        self._new_context = new_context
        self._protect = protect

    def run(self, hosted: HostedVm, unprotected: StandaloneVm) -> Steps:
        """Find the VM of `hosted` a second host, and another one if that fails meanwhile, as long as its own is up."""
        synchronised = None
        while synchronised is None and hosted.host.up:
            name = yield from self._inventory.put_into_service()
            context = self._new_context(hosted, self._inventory.build(name, hosted.host.name))
            synchronised = yield from self._synchronise(context, unprotected)
        if synchronised is not None:
            self._protect(synchronised)

    def _synchronise(
        self, context: ProtectionContext, unprotected: StandaloneVm
    ) -> Generator[simpy.Event, Any, ProtectionContext | None]:
        """Return the context with the state that both hosts have; None if the new host has failed."""
        primary, secondary = context.primary.host, context.secondary.host
        context.event_log.record(Kind.SYNCHRONISE, secondary.name, detail=primary.name)
        detector = new_detector(
            context.env, context.scenario.detection, secondary, primary, self._random(context, "detection")
        )
        synchronisation = Synchronisation(context, unprotected)
        copying = primary.run(synchronisation.run())
        yield copying | detector.declared
        if copying.triggered:
            state = copying.value
            assert state is not None
            return replace(context, start=state)
        copying.interrupt()
        synchronisation.abandon()
        context.event_log.record(Kind.SYNCHRONISATION_FAILED, primary.name, detail=secondary.name)
        fencing = new_fencing(context.env, context.scenario.fencing, self._random(context, "fencing"))
        yield from fencing.fence(secondary, primary)
        return None

    def _random(self, context: ProtectionContext, component: str) -> np.random.Generator:
        number = len(self._inventory.built)
        return generator(context.scenario.seed, f"reprotection-{number}.{component}")


class Failback:
    """Moves a protected VM to the other host as planned, and has it protected the other way round at once."""

    def __init__(self, inventory: Inventory, new_context: NewContext, protect: Protect) -> None:
        """Do nothing yet."""
        self._inventory = inventory
        self._new_context = new_context
        self._protect = protect

    def leave(self, protection: Checkpointing, delay_ns: int) -> Steps:
        """On the host with the VM: when the time has come, stop it with a last checkpoint, and tell the other host."""
        context = protection.context
        yield context.env.timeout(delay_ns)
        context.event_log.record(Kind.FAILBACK, context.primary.host.name)
        yield from protection.manager.last_checkpoint()
        protection.handing_over = True
        context.secondary.host.run_agent(self._arrive(protection))

    def _arrive(self, protection: Checkpointing) -> Steps:
        """On the other host: go on with the VM where it stopped."""
        context, here = protection.context, protection.context.secondary
        state = yield from protection.complete()
        assert state is not None
        context.event_log.record(Kind.IMAGE_COMPLETE, here.host.name, epoch=protection.committed_epoch)
        yield context.env.timeout(protection.activation_ns)
        if not context.primary.host.up:
            self._go_on_alone(protection, state)
            return
        context.primary.host.end_processes()
        context.primary.host.end_agents()
        there = self._inventory.build(context.primary.host.name, here.host.name)
        here.guest.start(context.workload, state)
        context.outlet.redirect(here.guest)
        context.event_log.record(Kind.RETURNED, here.host.name)
        self._protect(replace(self._new_context(here, there), start=state))

    def _go_on_alone(self, protection: Checkpointing, state: GuestState) -> None:
        """Run the VM that has come back, the host that it came from having gone down meanwhile."""
        context, here = protection.context, protection.context.secondary
        protection.activate(state)
        context.outlet.redirect(here.guest)
        context.event_log.record(Kind.RETURNED, here.host.name)
        context.event_log.record(Kind.ALONE, here.host.name)
