"""The cluster that a scenario describes, every part in its place."""

from dataclasses import dataclass

import simpy

from vmfailover.failover.detection import HeartbeatDetector
from vmfailover.failover.faults import Injector
from vmfailover.failover.fencing import new_fencing
from vmfailover.failover.takeover import Takeover
from vmfailover.guest.clients import Clients
from vmfailover.guest.guest import Guest, GuestState, ReceiveRing
from vmfailover.guest.scheduler import Scheduler
from vmfailover.guest.server import Completion
from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.guest.workloads import open_workload
from vmfailover.hardware.address_log import AddressLog
from vmfailover.hardware.cache.state import Leaving
from vmfailover.hardware.cache.twin import CacheTwin
from vmfailover.hardware.host import Host
from vmfailover.hardware.link import Channel, Link
from vmfailover.hardware.memory import Memory
from vmfailover.hardware.processor import Processor, Tracking
from vmfailover.journal import Journal
from vmfailover.replication.copiers import Copier, HelperThread, OtherHost, Read, VmCore
from vmfailover.replication.manager import Machinery, ReplicationManager
from vmfailover.replication.messages import LineBatch
from vmfailover.replication.output_buffer import OutputBuffer
from vmfailover.replication.protocols import PROTOCOLS, CachelineFlags
from vmfailover.replication.receiver import Receiver
from vmfailover.replication.sender import Message, Sender
from vmfailover.replication.unprotected import UnprotectedVm
from vmfailover.results.invariants import Release
from vmfailover.scenario import Scenario
from vmfailover.scenario.checks import guard_band, request_entries
from vmfailover.scenario.hosts import HostSpec
from vmfailover.streams import generator, seed_sequence


@dataclass(frozen=True, slots=True)
class Node:
    """One host with the guest that runs, or may run, on it."""

    host: Host
    guest: Guest
    tracker: CachelineFlags

    @property
    def vm(self) -> VirtualMachine:
        """The guest's virtual machine."""
        return self.guest.vm


class Cluster:
    """Primary, secondary and all that is between and around them; both hosts are built alike."""

    def __init__(self, env: simpy.Environment, scenario: Scenario, twin: CacheTwin, quantum: int) -> None:
        """Build everything and start every process; nothing has happened yet."""
        self.env = env
        self.scenario = scenario
        self.journal = Journal(env)
        self.start = GuestState(positions=(0,) * scenario.vm.vcpus, guest_ns=0)
        self.workload = open_workload(
            scenario.workload,
            scenario.vm.vcpus,
            scenario.hosts.primary.line,
            seed_sequence(scenario.seed, "workload"),
        )
        self.link = Link(
            env,
            scenario.link,
            generator(scenario.seed, "link.forward"),
            generator(scenario.seed, "link.backward"),
        )
        self._scheduler = Scheduler(env, quantum, scenario.link.latency)
        self.primary = self._node("primary", scenario.hosts.primary, twin, self.link.forward)
        self.secondary = self._node("secondary", scenario.hosts.secondary, twin, self.link.backward)
        self.clients = self._clients()
        self.releases: list[Release] = []
        self.unprotected: UnprotectedVm | None = None
        self._protect()
        self._watch()
        for failure in scenario.failures:
            Injector(env, self.journal, failure, getattr(self, failure.target).host)

    def _node(self, name: str, spec: HostSpec, twin: CacheTwin, out: Channel) -> Node:
        scenario = self.scenario
        memory = Memory(scenario.vm.memory, spec.line)
        leaving = Leaving.CARRY if scenario.replication.transfer == "carry" else Leaving.LOG
        processor = Processor(twin, spec, scenario.vm.vcpus, memory, Tracking(leaving=leaving))
        request = scenario.clients.request if scenario.clients else 0
        ring = ReceiveRing(memory.versions.size, spec.line, request)
        vm = VirtualMachine(processor, self._log(twin, spec), request_entries(scenario))
        guest = Guest(
            vm,
            ring,
            scenario.clients.service if scenario.clients else 0,
            lambda: int(self.env.now),
            log_device_writes=scenario.replication.hypervisor_writes == "logged",
        )
        self._scheduler.add(vm)
        tracker = PROTOCOLS[scenario.replication.protocol](self.env, vm, self.journal, name)
        return Node(Host(self.env, name, processor, memory, out), guest, tracker)

    def _log(self, twin: CacheTwin, spec: HostSpec) -> AddressLog:
        return AddressLog(
            twin,
            initial=self.scenario.vm.memory,
            size=self.scenario.replication.log.size,
            line_bytes=spec.line,
            guard_band=guard_band(self.scenario),
        )

    def _clients(self) -> Clients | None:
        spec = self.scenario.clients
        if spec is None:
            return None
        clients = Clients(self.env, spec, generator(self.scenario.seed, "clients"))
        clients.connect(self.primary.guest)
        self.env.process(clients.run())
        return clients

    def _protect(self) -> None:
        """Let the primary run the VM and the secondary receive its checkpoints."""
        env, primary, secondary = self.env, self.primary, self.secondary
        self.receiver = Receiver(env, secondary.host, self.journal, self.start, self._acknowledged)
        secondary.host.run(self.receiver.apply_committed())
        sender = Sender(env, primary.host.out, self._arrived)
        primary.host.run(sender.run())
        parts = Machinery(primary.guest, primary.tracker, self._copier(), sender, OutputBuffer(self._release))
        replication, hypervisor = self.scenario.replication, self.scenario.hypervisor
        self.manager = ReplicationManager(env, parts, replication, hypervisor, self.journal, primary.host)
        primary.guest.start(self.workload, self.start, [])
        primary.host.run(self.manager.run())
        primary.host.down.callbacks.append(lambda _: self._stop(primary))

    def _copier(self) -> Copier:
        env, vm = self.env, self.primary.vm
        read: Read = lambda lines: self.manager.read_lines(lines)  # noqa: E731
        kind = self.scenario.replication.copier
        if kind == "other-host":
            return OtherHost(env, vm, read, self.link.forward, self.link.backward, self.receiver.stage)
        return (VmCore if kind == "vm-core" else HelperThread)(env, vm, read)

    def _watch(self) -> None:
        """Let the secondary watch the primary and take over."""
        scenario, secondary = self.scenario, self.secondary.host
        self.detector = HeartbeatDetector(self.env, scenario.detection, self.primary.host, secondary)
        fencing = new_fencing(self.env, scenario.fencing)
        takeover = Takeover(self.env, self.receiver, fencing, scenario.hypervisor, self.journal, secondary)
        secondary.run(takeover.run(self.detector.declared, self.primary.host, self._activate))

    def _arrived(self, message: Message) -> None:
        if isinstance(message, LineBatch):
            self.receiver.stage(message)
        else:
            self.receiver.mark(message)

    def _acknowledged(self, epoch: int) -> None:
        if self.primary.host.up:
            self.manager.acknowledged(epoch)

    def _release(self, output: Completion, epoch: int) -> None:
        del epoch
        self.releases.append(Release(output.guest_ns, int(self.env.now)))
        self._respond(output)

    def _respond(self, output: Completion) -> None:
        if self.clients is not None:
            self.clients.respond(output.request)

    def _stop(self, node: Node) -> None:
        self.journal.record("down", node.host.name)
        node.vm.pause(int(self.env.now))
        if self.clients is not None and not self.journal.first("takeover"):
            self.clients.connect(None)

    def _activate(self, state: GuestState) -> None:
        """Run the VM on the secondary, in the first mode with its own log, from the last committed checkpoint."""
        node = self.secondary
        node.guest.start(self.workload, state, self.primary.guest.device_writes)
        self.unprotected = UnprotectedVm(self.env, node.guest, node.tracker, node.host)
        replication = self.scenario.replication
        interval = replication.scan_interval or replication.checkpoint_interval
        self.unprotected.run(interval, lambda output, _: self._respond(output))
        if self.clients is not None:
            self.clients.connect(node.guest)
