"""The computers of a cluster: those in service, those that stand by or are repaired, and the links between them."""

from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from typing import Any

import simpy

from vmfailover.engine.event_log import EventLog
from vmfailover.engine.streams import generator
from vmfailover.guest.fidelity import GuestWorkload, new_memory, new_processor
from vmfailover.guest.guest import Guest, new_rings
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.guest.placement import Placement
from vmfailover.guest.sampled_vm import SampledVm, new_vm
from vmfailover.guest.scheduler import Scheduler
from vmfailover.hardware.address_log import AddressLog
from vmfailover.hardware.cache.twin import CacheTwin
from vmfailover.hardware.host import Host
from vmfailover.hardware.link import Channel, Link
from vmfailover.hardware.memory import MemoryRange
from vmfailover.hardware.planes import Planes
from vmfailover.records.events import Kind
from vmfailover.records.roles import Role
from vmfailover.replication.protection import protection_class
from vmfailover.scenario import Scenario
from vmfailover.scenario.checks import guard_band, log_bytes, request_entries
from vmfailover.scenario.hosts import HostSpec


class Inventory:
    """Builds hosts, all alike but for their specification, and knows which can be put into service."""

    def __init__(
        self,
        env: simpy.Environment,
        scenario: Scenario,
        workload: GuestWorkload,
        event_log: EventLog,
        twin: CacheTwin,
        quantum: int,
        on_down: Callable[[HostedVm], None],
    ) -> None:
        """Have the spare hosts stand by; none is built before it is needed. `on_down` is told of each that goes down.

        The hosts are such as can execute `workload`.
        `twin` executes their guests' accesses, `quantum` records at most at a time.
        """
        self.env = env
        self._event_log = event_log
        self._on_down = on_down
        self._scenario = scenario
        self._workload = workload
        self._twin = twin
        self._scheduler = Scheduler(env, quantum, scenario.link.latency)
        #: Every host as it was built last, by its name.
        self.hosted: dict[str, HostedVm] = {}
        #: Every host that has been built, again after each repair, in order.
        self.built: list[HostedVm] = []
        self._planes: defaultdict[str, Planes] = defaultdict(Planes)
        self._links: dict[frozenset[str], tuple[str, Link]] = {}
        hosts, spares = scenario.hosts, scenario.reprotection.spare_names
        self._specs: dict[str, HostSpec] = {
            Role.PRIMARY: hosts.primary,
            **dict.fromkeys((Role.SECONDARY, *spares), hosts.secondary),
        }
        self._idle = list(spares)
        self._more_idle = env.event()

    def build(self, name: str, other: str) -> HostedVm:
        """Return a host fresh from its start, whose memory is as that of its name was left; `other` is linked to it."""
        scenario, spec = self._scenario, self._specs[name]
        memory = new_memory(scenario, spec)
        if name in self.hosted:
            memory.versions = self.hosted[name].host.processor.image()
        tracking = protection_class(scenario.replication).tracking(scenario.replication, spec)
        processor = new_processor(self._workload, self._twin, spec, scenario.vm.vcpus, memory, tracking)
        host = Host(self.env, name, processor, memory, self.link(name, other).forward, self._planes[name])
        self.hosted[name] = HostedVm(host, self._guest(host, spec))
        self.built.append(self.hosted[name])
        self.env.process(self._wait_until_down(self.hosted[name]))
        return self.hosted[name]

    def link(self, name: str, other: str) -> Link:
        """Return the link between two hosts as the first of them sees it."""
        ends = frozenset((name, other))
        if ends not in self._links:
            self._links[ends] = (name, self._new_link(name, other))
        first, link = self._links[ends]
        return link if first == name else link.turned

    def links(self, name: str) -> Iterator[Link]:
        """Yield every link that a host has had, as it sees it."""
        for first, link in (pair for ends, pair in self._links.items() if name in ends):
            yield link if first == name else link.turned

    def channels(self) -> Iterator[tuple[str, str, Channel]]:
        """Yield every direction of every link that there has been: who sends on it, who receives, and itself."""
        for ends, (first, link) in self._links.items():
            (second,) = ends - {first}
            yield first, second, link.forward
            yield second, first, link.backward

    def put_into_service(self) -> Generator[simpy.Event, Any, str]:
        """Wait for a host that can be used, and return its name."""
        while not self._idle:
            yield self._more_idle
        return self._idle.pop(0)

    def stand_by(self, name: str) -> None:
        """Let a host be put into service."""
        self._idle.append(name)
        self._more_idle.succeed()
        self._more_idle = self.env.event()

    def _wait_until_down(self, hosted: HostedVm) -> Generator[simpy.Event, Any, None]:
        """Tell of a host's end, and have it repaired if that is possible.

        What ends one that has been built anew since, as for a failback, ends the same computer.
        """
        yield hosted.host.down
        computer = self.hosted[hosted.host.name]
        if computer is not hosted:
            computer.host.crash()
            return
        self._on_down(hosted)
        repair_ns = self._scenario.reprotection.repair
        if repair_ns is not None:
            yield self.env.timeout(repair_ns)
            self._event_log.record(Kind.REPAIRED, hosted.host.name)
            self.stand_by(hosted.host.name)

    def _guest(self, host: Host, spec: HostSpec) -> Guest:
        processor = host.processor
        clients, placement = self._scenario.clients, Placement.alone_on(processor)
        log_place = MemoryRange(placement.image.end, log_bytes(self._scenario) // spec.line)
        log = AddressLog.of_only_vm(self._twin, log_place, spec.line, guard_band(self._scenario))
        vm = new_vm(processor, log, request_entries(self._scenario), placement, lambda: int(self.env.now))
        if not isinstance(vm, SampledVm):
            self._scheduler.add(vm)
        rings = new_rings(processor.memory, *((clients.request, clients.stores) if clients else (0, 0)))
        service_ns = clients.service if clients else 0
        return Guest(vm, rings[0], service_ns, lambda: int(self.env.now), rings[1], host.planes)

    def _new_link(self, name: str, other: str) -> Link:
        prefix = f"link.{name}.{other}" if self._links else "link"
        forward, backward = (
            Channel(self.env, self._scenario.link, generator(self._scenario.seed, f"{prefix}.{direction}"))
            for direction in ("forward", "backward")
        )
        self._planes[name].attach(forward, backward)
        self._planes[other].attach(backward, forward)
        return Link(forward, backward)
