"""The cluster that a scenario describes, every part in its place."""

from collections.abc import Generator
from typing import Any

import simpy

from vmfailover.cluster.inventory import Inventory
from vmfailover.cluster.protected_pair import ProtectedPair
from vmfailover.cluster.reprotection import Failback, Reprotection
from vmfailover.cluster.targets import ClusterTargets
from vmfailover.engine.event_log import EventLog
from vmfailover.engine.streams import generator
from vmfailover.failover.faults.acting import ActingFaults
from vmfailover.failover.injector import Injector
from vmfailover.guest.clients import Clients
from vmfailover.guest.fidelity import open_guest
from vmfailover.guest.guest import Guest, GuestState
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.guest.outlet import Outlet
from vmfailover.hardware.cache.twin import CacheTwin
from vmfailover.hardware.link import Link
from vmfailover.records.events import Event, Kind
from vmfailover.records.roles import Role
from vmfailover.replication.checkpointing import Checkpointing
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.epoch import Epoch
from vmfailover.replication.epoch_recorder import EpochRecorder
from vmfailover.replication.protection import Protection
from vmfailover.scenario import Scenario


class Cluster:
    """Primary, secondary and all that is between and around them; all hosts are built alike."""

    def __init__(self, env: simpy.Environment, scenario: Scenario, twin: CacheTwin, quantum: int) -> None:
        """Build everything and start every process; nothing has happened yet."""
        self.env = env
        self.scenario = scenario
        self.event_log = EventLog(env)
        self.start = GuestState(positions=(0,) * scenario.vm.vcpus, guest_ns=0)
        self.workload = open_guest(scenario)
        self.epochs: list[Epoch] = []
        #: The faults that have not passed.
        self.faults = ActingFaults()
        #: Every pair of hosts that has protected the VM, in order.
        self.pairs: list[ProtectedPair] = []
        self.inventory = Inventory(env, scenario, self.workload, self.event_log, twin, quantum, self._stop)
        primary = self.inventory.build(Role.PRIMARY.value, Role.SECONDARY.value)
        primary.guest.start(self.workload, self.start)
        self.clients = self._clients(primary.guest)
        self._protect(self._new_context(primary, self.inventory.build(Role.SECONDARY.value, Role.PRIMARY.value)))
        self._arm()
        self.event_log.on(Kind.TAKEOVER, self._reprotect)
        self.event_log.on(Kind.ALONE, self._reprotect)

    def __repr__(self) -> str:
        """Return the hosts in service, and which of them has the VM."""
        return f"<Cluster of {', '.join(self.inventory.hosted)}: the VM is on {self.active.host.name}>"

    # The pair of hosts with which the run begins.

    @property
    def primary(self) -> HostedVm:
        """The host on which the VM starts."""
        return self.pairs[0].primary

    @property
    def secondary(self) -> HostedVm:
        """The host that protects it first."""
        return self.pairs[0].secondary

    @property
    def link(self) -> Link:
        """What connects them."""
        return self.pairs[0].context.link

    @property
    def protection(self) -> Protection:
        """How they protect it."""
        return self.pairs[0].protection

    # The pairs later on.

    @property
    def pair(self) -> ProtectedPair:
        """The hosts that protect the VM now, or did at last."""
        return self.pairs[-1]

    @property
    def active(self) -> HostedVm:
        """The host that runs the VM, or did at last, with its guest."""
        return self.pair.active

    def _clients(self, guest: Guest) -> Clients | None:
        spec = self.scenario.clients
        if spec is None:
            return None
        clients = Clients(self.env, spec, generator(self.scenario.seed, "clients"))
        clients.connect(guest)
        self.env.process(clients.run())
        return clients

    def _new_context(self, primary: HostedVm, secondary: HostedVm) -> ProtectionContext:
        """Return the context of a VM on one host, with the other, the two being connected anew."""
        if self.pairs:
            self.pair.end()
        link = self.inventory.link(primary.host.name, secondary.host.name)
        link.reconnect()
        primary.host.connect(link.forward)
        secondary.host.connect(link.backward)
        return ProtectionContext(
            env=self.env,
            scenario=self.scenario,
            event_log=self.event_log,
            link=link,
            primary=primary,
            secondary=secondary,
            workload=self.workload,
            start=self.start,
            outlet=Outlet(self.env, self.clients, primary, secondary),
            recorder=EpochRecorder(self.event_log, self.epochs, primary.host.name, secondary.host.name),
        )

    def _protect(self, context: ProtectionContext) -> None:
        """Protect the VM on the context's primary, where it stands still in the state `context.start`."""
        primary = context.primary
        primary.host.end_processes()
        primary.host.end_agents()
        primary.guest.unprotect()
        primary.vm.hold(int(self.env.now))
        self.pairs.append(ProtectedPair(context, len(self.pairs)))
        self.pair.start()
        if len(self.pairs) > 1:
            self.event_log.record(Kind.PROTECTED, context.secondary.host.name, detail=primary.host.name)
            self._fail_back_later()

    def _reprotect(self, event: Event) -> None:
        """Find a VM that runs on one host a second one, if there ever is one."""
        if self.scenario.reprotection.possible:
            host = self.inventory.hosted[event.host].host
            host.run_agent(self._protect_again())

    def _protect_again(self) -> Generator[simpy.Event, Any, None]:
        yield self.env.timeout(self.scenario.reprotection.delay)
        unprotected = self.pair.unprotected
        assert unprotected is not None
        yield from Reprotection(self.inventory, self._new_context, self._protect).run(self.active, unprotected)

    def _fail_back_later(self) -> None:
        """Let the VM go back to where it began, if the scenario wants that and it is protected by that host."""
        pair, delay_ns = self.pair, self.scenario.reprotection.failback
        if delay_ns is None or pair.secondary.host.name != self.primary.host.name:
            return
        assert isinstance(pair.protection, Checkpointing)
        failback = Failback(self.inventory, self._new_context, self._protect)
        pair.primary.host.run(failback.leave(pair.protection, delay_ns))

    def _arm(self) -> None:
        """Let go wrong what the scenario says."""
        targets = ClusterTargets(self.inventory, self.pairs)
        for number, failure in enumerate(self.scenario.failures):
            random = generator(self.scenario.seed, f"failures.{number}")
            Injector(self.env, self.event_log, failure, targets, self.faults, random)

    def _stop(self, hosted: HostedVm) -> None:
        """Let the VM end with its host, and the network no longer deliver to it."""
        active = hosted is self.active
        self.event_log.record(Kind.DOWN if active else Kind.STANDBY_DOWN, hosted.host.name)
        hosted.vm.pause(int(self.env.now))
        if active:
            self.pair.lose(hosted)
            if self.clients is not None:
                self.clients.connect(None)
