"""The cluster that a scenario describes, every part in its place."""

from collections.abc import Generator
from typing import Any

import simpy

from vmfailover.failover.alone import LossOfSecondary
from vmfailover.failover.detection import Detector, new_detector
from vmfailover.failover.faults import Injector, Targets
from vmfailover.failover.fencing import new_fencing
from vmfailover.failover.takeover import Takeover
from vmfailover.guest.clients import Clients
from vmfailover.guest.guest import Guest, GuestState, ReceiveRing
from vmfailover.guest.scheduler import Scheduler
from vmfailover.guest.server import Completion
from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.guest.workloads import open_workload
from vmfailover.hardware.address_log import AddressLog
from vmfailover.hardware.cache.twin import CacheTwin
from vmfailover.hardware.host import Host
from vmfailover.hardware.link import Channel, Link
from vmfailover.hardware.memory import Memory
from vmfailover.hardware.processor import Processor
from vmfailover.journal import Journal
from vmfailover.replication.protocols import protection_class
from vmfailover.replication.release import Release
from vmfailover.replication.site import Node, Site
from vmfailover.scenario import Scenario
from vmfailover.scenario.checks import guard_band, log_bytes, request_entries
from vmfailover.scenario.hosts import HostSpec
from vmfailover.streams import generator, seed_sequence


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
        self._protection_class = protection_class(scenario.replication.protocol)
        self._scheduler = Scheduler(env, quantum, scenario.link.latency)
        self.primary = self._node("primary", scenario.hosts.primary, twin, self.link.forward)
        self.secondary = self._node("secondary", scenario.hosts.secondary, twin, self.link.backward)
        self.clients = self._clients()
        self.releases: list[Release] = []
        #: Instants at which the primary let an answer leave that it had not shared with the secondary, nanoseconds.
        self.answers_alone: list[int] = []
        self.protection = self._protection_class(self._site())
        self.link.forward.accept = self.secondary.host.accept
        self.link.backward.accept = self.primary.host.accept
        for node in (self.primary, self.secondary):
            env.process(self._stop_when_down(node))
        self.protection.start()
        self._watch()
        self._arm()

    @property
    def end_ns(self) -> int:
        """When the run ends, nanoseconds."""
        return self.scenario.duration + self.protection.extension_ns

    def _node(self, name: str, spec: HostSpec, twin: CacheTwin, out: Channel) -> Node:
        scenario = self.scenario
        memory = Memory(scenario.vm.memory, spec.line)
        tracking = self._protection_class.tracking(scenario.replication, spec)
        processor = Processor(twin, spec, scenario.vm.vcpus, memory, tracking)
        request = scenario.clients.request if scenario.clients else 0
        ring = ReceiveRing(memory.versions.size, spec.line, request)
        vm = VirtualMachine(processor, self._log(twin, spec), request_entries(scenario))
        self._scheduler.add(vm)
        service = scenario.clients.service if scenario.clients else 0
        return Node(Host(self.env, name, processor, memory, out), Guest(vm, ring, service, lambda: int(self.env.now)))

    def _log(self, twin: CacheTwin, spec: HostSpec) -> AddressLog:
        return AddressLog(
            twin,
            initial=self.scenario.vm.memory,
            size=log_bytes(self.scenario),
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

    def _site(self) -> Site:
        return Site(
            env=self.env,
            scenario=self.scenario,
            journal=self.journal,
            link=self.link,
            primary=self.primary,
            secondary=self.secondary,
            workload=self.workload,
            start=self.start,
            release=self._release,
            respond=self._respond,
            respond_alone=self._respond_alone,
            connect=self._connect,
        )

    def _watch(self) -> None:
        """Let the secondary watch the primary and take over, and the primary the secondary and go on alone."""
        scenario, primary, secondary = self.scenario, self.primary.host, self.secondary.host
        fencing = new_fencing(self.env, scenario.fencing, generator(scenario.seed, "fencing"))
        self.detector = self._new_detector(primary, secondary)
        takeover = Takeover(self.protection, fencing, self.journal, secondary, scenario.fencing.priority_delay)
        secondary.run_agent(takeover.run(self.detector.declared, primary))
        self.detector_of_secondary = self._new_detector(secondary, primary)
        loss = LossOfSecondary(self.protection, fencing, self.journal, primary)
        primary.run_agent(loss.run(self.detector_of_secondary.declared, secondary))

    def _new_detector(self, watched: Host, watcher: Host) -> Detector:
        random = generator(self.scenario.seed, f"detection.{watched.name}")
        return new_detector(self.env, self.scenario.detection, watched, watcher, random)

    def _arm(self) -> None:
        """Let go wrong what the scenario says."""
        targets = Targets(
            nodes={node.host.name: node for node in (self.primary, self.secondary)},
            channels={"forward": self.link.forward, "backward": self.link.backward},
            active=lambda: self.active.host.name,
            report=self._report,
        )
        for number, failure in enumerate(self.scenario.failures):
            random = generator(self.scenario.seed, f"failures.{number}")
            Injector(self.env, self.journal, failure, targets, random)

    @property
    def active(self) -> Node:
        """The host that runs the VM, or did at last, with its guest."""
        return self.primary if self.protection.on_primary else self.secondary

    def _report(self, host: str) -> None:
        """Let a host tell the other one that it has failed."""
        if host == self.primary.host.name:
            self.link.forward.send_datagram(self.scenario.detection.message, self.detector.declare)

    def _release(self, output: Completion) -> None:
        vm, server = self.secondary.vm, self.secondary.guest.server
        ready_ns = server.ready_ns(output.request)
        agreed = ready_ns is not None and ready_ns <= vm.guest_ns(int(self.env.now))
        self.releases.append(Release(output.guest_ns, int(self.env.now), agreed))
        self._respond(output)

    def _respond(self, output: Completion) -> None:
        if self.clients is not None:
            self.clients.respond(output.request)

    def _respond_alone(self, output: Completion) -> None:
        self.answers_alone.append(int(self.env.now))
        self._respond(output)

    def _connect(self, guest: Guest | None) -> None:
        if self.clients is not None:
            self.clients.connect(guest)

    def _stop_when_down(self, node: Node) -> Generator[simpy.Event, Any, None]:
        yield node.host.down
        self._stop(node)

    def _stop(self, node: Node) -> None:
        """Let the VM end with its host, and the network no longer deliver to it."""
        active = node is self.active
        self.journal.record("down" if active else "standby-down", node.host.name)
        node.vm.pause(int(self.env.now))
        if active:
            self._connect(None)
