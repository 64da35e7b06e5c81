"""Hosts, links and whole clusters for the tests of replication."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy
from scenarios_for_tests import TINY_HOST, small

from vmfailover.cluster.cluster import Cluster
from vmfailover.engine.event_log import EventLog
from vmfailover.guest.guest import Guest, GuestState, ReceiveRing
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.guest.outlet import Outlet
from vmfailover.guest.scheduler import Scheduler
from vmfailover.guest.virtual_machine import VirtualMachine
from vmfailover.guest.workloads.workload import open_workload
from vmfailover.hardware.address_log import AddressLog
from vmfailover.hardware.cache import kernel
from vmfailover.hardware.host import Host
from vmfailover.hardware.link import Channel, Link
from vmfailover.hardware.memory import Memory, MemoryRange
from vmfailover.hardware.processor import FLAGS, Processor, Tracking
from vmfailover.replication.checkpointing import Checkpointing
from vmfailover.replication.context import ProtectionContext
from vmfailover.replication.epoch_recorder import EpochRecorder
from vmfailover.replication.manager import ReplicationManager
from vmfailover.replication.messages import CommitMarker, LineBatch
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.network import Link as LinkSpec
from vmfailover.scenario.sizes import ADDRESS_BYTES

LINES = 256
LINE_BYTES = 128
LATENCY_NS = 500
SERVICE_NS = 100
#: An L2 hit takes 13 ns, a miss 20 ns, and reading and writing a line 2 ns of the memory's bandwidth.
ROUND: dict[str, Any] = {
    "clock": "1 GHz",
    "memory": {"latency": "80 ns", "bandwidth": "128 GB/s", "parallelism": 4.0},
}


def new_processor(tracking: Tracking = FLAGS, **keys: Any) -> Processor:
    """Return a processor over a memory of `LINES` lines, in the first mode."""
    spec = HostSpec.model_validate({**TINY_HOST, **ROUND, **keys})
    processor = Processor(kernel, spec, 1, Memory(LINES * LINE_BYTES, LINE_BYTES), tracking)
    processor.set_first_mode(0, True)
    return processor


def new_log(lines: int = 16) -> AddressLog:
    """Return a log of so many lines without a guard band."""
    return AddressLog.of_only_vm(kernel, MemoryRange(LINES, lines), LINE_BYTES)


def new_channel(env: simpy.Environment) -> Channel:
    """Return one direction of a link on which a byte takes a nanosecond, without framing."""
    spec = LinkSpec.model_validate({"bandwidth": "8 Gbit/s", "latency": f"{LATENCY_NS} ns", "overhead": "0 B"})
    return Channel(env, spec, np.random.default_rng(1))


def new_host(env: simpy.Environment, name: str = "secondary", **keys: Any) -> Host:
    """Return a host that is up."""
    processor = new_processor(**keys)
    return Host(env, name, processor, processor.memory, new_channel(env))


def new_node(env: simpy.Environment, name: str = "secondary", log_lines: int = 16, **keys: Any) -> HostedVm:
    """Return a host with a guest on it, in no state yet, which gets requests of no bytes."""
    host = new_host(env, name, **keys)
    vm = VirtualMachine(host.processor, new_log(log_lines), 0)
    return HostedVm(host, Guest(vm, ReceiveRing(LINES, LINE_BYTES, 0), SERVICE_NS, lambda: int(env.now)))


def new_site(env: simpy.Environment, tracking: Tracking = FLAGS, /, **overrides: object) -> ProtectionContext:
    """Return two such hosts and what is around them; answers and the network go nowhere."""
    nodes = new_node(env, "primary", tracking=tracking), new_node(env, tracking=tracking)
    scheduler = Scheduler(env, 1 << 20, 1)
    for hosted in nodes:
        scheduler.add(hosted.vm)
    scenario = small("base", **{"vm.memory": f"{LINES * LINE_BYTES} B", "workload.working_set": "16 KiB", **overrides})
    event_log = EventLog(env)
    return ProtectionContext(
        env=env,
        scenario=scenario,
        event_log=event_log,
        recorder=EpochRecorder(event_log, [], "primary", "secondary"),
        link=Link(*(Channel(env, scenario.link, np.random.default_rng(seed)) for seed in (1, 2))),
        primary=nodes[0],
        secondary=nodes[1],
        workload=open_workload(scenario.workload, 1, LINE_BYTES),
        start=state(0),
        outlet=Outlet(env, None, *nodes),
    )


def numbers(*lines: int) -> npt.NDArray[np.int64]:
    """Return line numbers as an array."""
    return np.array(lines, np.int64)


def batch(epoch: int, versions: dict[int, int], *, final: bool = False) -> LineBatch:
    """Return lines of an epoch with their versions."""
    contents = len(versions) * (ADDRESS_BYTES + LINE_BYTES)
    return LineBatch(epoch, numbers(*versions), np.array([*versions.values()], np.uint32), contents, final)


def state(guest_ns: int) -> GuestState:
    """Return the state of a VM at a guest time."""
    return GuestState((guest_ns,), guest_ns)


def marker(epoch: int, batches: Sequence[LineBatch]) -> CommitMarker:
    """Return the marker that makes batches a whole epoch, captured at guest time `epoch` + 1."""
    return CommitMarker(epoch, sum(batch.lines.size for batch in batches), state(epoch + 1), 100)


def cluster(variant: str = "no-failure", until: str | None = None, **overrides: object) -> Cluster:
    """Return the cluster of a small scenario in which nothing fails, run to its end."""
    changes: dict[str, object] = {"failures": [], "duration": until or "6 ms", **overrides}
    scenario = small(variant, **changes)
    env = simpy.Environment()
    whole = Cluster(env, scenario, kernel, 1 << 20)
    env.run(until=scenario.duration)
    return whole


def manager_of(whole: Cluster) -> ReplicationManager:
    """Return the replication manager of a cluster that has one."""
    assert isinstance(whole.protection, Checkpointing)
    return whole.protection.manager
