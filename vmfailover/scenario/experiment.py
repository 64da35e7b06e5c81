"""The keys of an experiment."""

from typing import Annotated, Literal

from pydantic import Field, SerializeAsAny

from vmfailover.scenario.detection import Detection
from vmfailover.scenario.failover import Failure, Fencing
from vmfailover.scenario.hosts import Hosts
from vmfailover.scenario.network import Clients, Link
from vmfailover.scenario.quorum import Quorum
from vmfailover.scenario.record import Count, Integer, Record, written
from vmfailover.scenario.replication import Hypervisor, Replication
from vmfailover.scenario.reprotection import Reprotection
from vmfailover.scenario.sizes import PAGE_BYTES
from vmfailover.scenario.units import AboveZero, Duration, NoneText, Size
from vmfailover.scenario.workload import Workload


class VM(Record):
    """The virtual machine that is protected."""

    vcpus: Count = 1
    """Virtual processors, each on a core of its own."""
    memory: Annotated[Size, AboveZero]
    """Bytes of guest memory; a multiple of the line."""
    in_use: Annotated[Annotated[Size, AboveZero] | None, NoneText] = None
    """Bytes of it that are in use, from its beginning on; the rest is zeros unless the guest stores to it. None is all
    that a restore reads, and what the guest has stored to by then for a first copy, which sends zeros as markers."""


class Experiment(Record):
    """What an experiment says, key by key; whether that fits together is a `Scenario`'s to know."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    """What to call the experiment."""
    description: str = ""
    """What it shows, for readers."""
    fidelity: Literal["executed", "sampled"] = "executed"
    """Whether the guest's every access is executed, through the caches, or only the units of memory that its visits to
    hot sets modify are drawn, some hundred times as fast."""
    seed: Annotated[Integer, Field(ge=0, lt=2**63)] = 1
    """Where all random numbers come from."""
    duration: Annotated[Duration, AboveZero]
    """Simulated time, in nanoseconds; nothing is counted beyond it."""
    extend: Annotated[Literal["until-takeover"] | None, NoneText] = None
    """Whether a failover that is under way after `duration` is waited for: the run then ends with its takeover. One
    that cannot come any more is not, nor is one that takes more than an hour longer."""
    warm_up: Duration = written("0 ns")
    """Time at the beginning of which checkpoints and requests are left out of the metrics, caches and queues being as
    no guest finds them, in nanoseconds."""
    hosts: Hosts
    """The two computers."""
    vm: VM
    """The virtual machine."""
    workload: SerializeAsAny[Workload]
    """What the guest does."""
    replication: SerializeAsAny[Replication]
    """How the VM is kept in step on the other host."""
    hypervisor: Hypervisor = Hypervisor()
    """What the hypervisor's steps cost."""
    link: Link
    """What connects the hosts."""
    detection: SerializeAsAny[Detection] = Field(default_factory=lambda: Detection.model_validate({}))
    """How a failure is noticed."""
    fencing: SerializeAsAny[Fencing] = Field(default_factory=lambda: Fencing.model_validate({}))
    """What keeps the failed host silent."""
    quorum: Quorum = Quorum()
    """Which of two hosts may go on that have lost sight of each other."""
    reprotection: Reprotection = Reprotection()
    """How the VM is protected again."""
    failures: tuple[SerializeAsAny[Failure], ...] = ()
    """What goes wrong."""
    clients: Annotated[Clients | None, NoneText] = None
    """Who uses the VM; or none."""
    expect: dict[str, str] = Field(default_factory=dict)
    """What must come out: metrics, and expressions such as `p99 < 60 ms`."""

    @property
    def image_line(self) -> int:
        """Bytes of memory that have one version: a line of the caches, or of a sampled guest the protocol's unit."""
        line, replication = self.hosts.primary.line, self.replication
        if self.fidelity == "executed":
            return line
        return PAGE_BYTES if "granularity" in replication.unused else replication.unit_bytes(line)

    @property
    def in_use(self) -> int:
        """Bytes of the VM's memory that are in use, from its beginning on."""
        return self.vm.memory if self.vm.in_use is None else self.vm.in_use

    @property
    def trace_path(self) -> str | None:
        """Where the recorded workload is, absolute; None for a generated one."""
        return None if self.workload.file is None else str(self.workload.file.absolute())
