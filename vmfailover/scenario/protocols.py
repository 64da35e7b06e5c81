"""The registry of protocols: the name each has in a scenario, where its class is, and what it can protect."""

from dataclasses import dataclass

_PACKAGE = "vmfailover.replication.protocols"


@dataclass(frozen=True, slots=True)
class ProtocolEntry:
    """One protocol. The class is imported only to run it."""

    #: `module:Class`, a `vmfailover.replication.protection.Protection`.
    implementation: str
    #: Bytes of the smallest memory it can tell apart; 0 for one line of the host.
    least_granularity: int = 0
    #: Bytes of a unit where the scenario does not say; 0 for one line of the host.
    default_granularity: int = 0
    #: The most virtual processors it can protect; 0 for any number.
    most_vcpus: int = 0
    #: Whether the other host has, all the time, what it needs to go on with the VM.
    replicates: bool = True
    #: Whether it stops the VM for checkpoints that the other host can go on from.
    makes_checkpoints: bool = True
    #: Whether it uses the address log, whose size then matters.
    uses_log: bool = False
    #: Whether it keeps what first stores overwrite; its unit is then a line.
    keeps_undo: bool = False
    #: Whether the other host needs all of the VM's memory before it can take over.
    needs_copy: bool = True
    #: Whether a running VM can be protected with it, once the other host has a copy.
    reprotects: bool = True
    #: Whether it can move a protected VM to the other host as planned.
    fails_back: bool = False


def _pages(module: str, **more: bool) -> ProtocolEntry:
    return ProtocolEntry(f"{_PACKAGE}.{module}", least_granularity=4096, default_granularity=4096, **more)


#: Every protocol by its name. A new one is one new file and one entry here, which may be made at run time.
PROTOCOLS: dict[str, ProtocolEntry] = {
    "cacheline-flags": ProtocolEntry(f"{_PACKAGE}.cacheline_flags:CachelineFlags", uses_log=True, fails_back=True),
    "cacheline-transfer": ProtocolEntry(
        f"{_PACKAGE}.cacheline_transfer:CachelineTransfer", uses_log=True, fails_back=True
    ),
    "page-write-protect": _pages("page_write_protect:PageWriteProtect", fails_back=True),
    "page-modification-log": _pages("page_modification_log:PageModificationLog", fails_back=True),
    "page-dirty-bits": _pages("page_dirty_bits:PageDirtyBits", fails_back=True),
    "undo-log": ProtocolEntry(f"{_PACKAGE}.undo_log:UndoLog", uses_log=True, keeps_undo=True, fails_back=True),
    "output-compare": _pages("output_compare:OutputCompare"),
    "record-replay": ProtocolEntry(f"{_PACKAGE}.record_replay:RecordReplay", most_vcpus=1, makes_checkpoints=False),
    "live-precopy": _pages("live_precopy:LivePrecopy", replicates=False, makes_checkpoints=False, reprotects=False),
    "cold-restart": ProtocolEntry(
        f"{_PACKAGE}.cold_restart:ColdRestart",
        replicates=False,
        makes_checkpoints=False,
        needs_copy=False,
        reprotects=False,
    ),
}
