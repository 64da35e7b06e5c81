"""A protection of each protocol on two small hosts, and the parts of protocols that tests take by themselves."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy
from scenarios_for_tests import TINY_HOST, small

from vmfailover.engine.steps import Steps
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.cache.state import Accesses
from vmfailover.hardware.processor import Processor, Tracking
from vmfailover.replication.protection import protection_class
from vmfailover.replication.protocols.cacheline_flags.protection import FlaggedLines
from vmfailover.replication.protocols.cacheline_transfer.protection import TransferredLines
from vmfailover.replication.protocols.cold_restart.protection import ColdRestart
from vmfailover.replication.protocols.live_precopy.protection import LivePrecopy
from vmfailover.replication.protocols.output_compare.protection import OutputCompare
from vmfailover.replication.protocols.record_replay.protection import RecordReplay, Replica
from vmfailover.replication.protocols.undo_log.entries import UndoneLines
from vmfailover.replication.protocols.undo_log.mirror import Mirror, UndoPacking
from vmfailover.replication.protocols.undo_log.pool import InPlace, Pool
from vmfailover.replication.protocols.undo_log.protection import UndoLog
from vmfailover.scenario.hosts import HostSpec

from ..machinery import LINE_BYTES, LINES, ROUND, new_site
from ..outlets import WatchedOutlet

__all__ = [
    "ColdRestart",
    "FlaggedLines",
    "InPlace",
    "LivePrecopy",
    "Mirror",
    "OutputCompare",
    "Pool",
    "Protected",
    "RecordReplay",
    "Replica",
    "TransferredLines",
    "UndoLog",
    "UndoPacking",
    "UndoneLines",
    "everything",
    "no_room",
    "store",
    "tracking_of",
]

#: A request is 100 bytes and an answer 300, and nobody sends any but the test.
CLIENTS = {"kind": "open", "rate": "1 /s", "service": "5 us", "request": "100 B", "response": "300 B"}


def no_room() -> Steps:
    """Fail: the log is large enough."""
    raise AssertionError("the log is large enough")
    yield


def tracking_of(protocol: str, **overrides: object) -> Tracking:
    """Return what a protocol asks of the processors of the small hosts."""
    replication = small("base", **{"replication.protocol": protocol, **overrides}).replication
    return protection_class(replication).tracking(replication, HostSpec.model_validate({**TINY_HOST, **ROUND}))


def store(hosted: HostedVm, *lines: int) -> int:
    """Let the VM's core store once to each of some lines; return how long that takes, femtoseconds."""
    hosted.vm.log.set_limit()
    processor = hosted.host.processor
    began = int(processor.state.clock[0])
    ones = np.ones((1, len(lines)), np.uint32)
    blocks = np.array([lines], np.uint32) * np.uint32(LINE_BYTES // 64)
    accesses = Accesses(blocks, ones.astype(np.uint8), ones, ones, np.array([len(lines)]))
    processor.advance(accesses, np.zeros(1, np.int64), 1 << 62, len(lines) + 1, hosted.vm.log.logs)
    return int(processor.state.clock[0]) - began


def everything(processor: Processor) -> npt.NDArray[np.uint32]:
    """Return the newest version of every line."""
    return processor.fetch(np.arange(LINES))[0]


class Protected:
    """A VM on the first of two hosts, protected, and what leaves for clients: (request, instant)."""

    def __init__(self, protocol: str, **overrides: object) -> None:
        self.env = simpy.Environment()
        spec = {"replication.protocol": protocol, "clients": CLIENTS, "failures": [], **overrides}
        tracking = tracking_of(protocol, **{key: value for key, value in spec.items() if "replication" in key})
        site = new_site(self.env, tracking, **spec)
        outlet = WatchedOutlet(self.env, site.primary, site.secondary)
        self.released, self.responded = outlet.released, outlet.responded
        self.context = replace(site, outlet=outlet)
        self.primary, self.secondary = self.context.primary, self.context.secondary
        self.protection: Any = protection_class(self.context.scenario.replication)(self.context)
        self.primary.guest.start(self.context.workload, self.context.start)

    def start(self, requests: Sequence[int] = (), until: int | None = None) -> None:
        """Protect the VM, which gets requests at once, for a while."""
        self.protection.start()
        for request in requests:
            self.primary.guest.receive(request)
        if until is not None:
            self.env.run(until=until)

    def complete(self) -> Any:
        """Fail over, and return the state to go on from."""
        return self.env.run(self.env.process(self.protection.complete()))

    def times(self, kind: str) -> list[int]:
        """Return when events of a kind happened, nanoseconds."""
        return [event.time_ns for event in self.context.event_log.events if event.kind == kind]
