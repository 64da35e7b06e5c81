"""Events of a run: what happened, when, on which host, and what each kind of them says."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self


class Kind(StrEnum):
    """What an event says happened; its `meaning` has in brackets what the event's `detail` holds."""

    meaning: str

    def __new__(cls, value: str, meaning: str = "") -> Self:
        """Return the member of this value, with what it means."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    FAILURE = "failure", "a fault ends the service of the host with the VM [kind of fault]"
    FAULT = "fault", "another fault: of the other host, of the link, or one that slows down [kind of fault]"
    PASSED = "passed", "a fault is over, and no other of its kind acts on what it struck [kind of fault]"
    DOWN = "down", "the host with the VM is silent from now on, by a fault or because it was fenced"
    STANDBY_DOWN = "standby-down", "another host is silent from now on"
    REPAIRED = "repaired", "a host can be put into service again"
    SUSPECT = (
        "suspect",
        "a host is doubted: a stage of its detection begins, after `count` others [the host doubted]",
    )
    FORGIVE = "forgive", "it is heard again in that stage, and doubted no more [the host doubted]"
    DETECT = "detect", "the second host gives up the one with the VM [the host given up]"
    ELECTED = "elected", "it is settled that the second host takes over [the host given up]"
    DETECT_LOSS = "detect-loss", "the host with the VM gives up the second one [the host given up]"
    FENCE = "fence", "the second host knows that the first is silent, or has nothing to make sure of it"
    FENCING_FAILED = (
        "fencing-failed",
        "it cannot be made sure that a host is silent: nobody goes on without it [that host]",
    )
    NO_QUORUM = "no-quorum", "a host has given up another and may not go on without it: it lacks a vote [that host]"
    PROMOTED = "promoted", "the second host begins to bring the VM to life"
    IMAGE_COMPLETE = "image-complete", "memory on the second host is at the state from which the VM will go on"
    TAKEOVER = "takeover", "the VM runs on the second host"
    LOST = "lost", "there is no state from which the VM could go on"
    ALONE = "alone", "the VM goes on without a second host"
    SYNCHRONISE = "synchronise", "memory of the VM begins to be copied to a further host [the host with the VM]"
    SYNCHRONISATION_FAILED = "synchronisation-failed", "the further host is given up meanwhile [the further host]"
    PROTECTED = "protected", "a pair of hosts protects the VM: the event is of the second one [the host with the VM]"
    FAILBACK = "failback", "the VM is stopped to move back to the primary, as planned"
    RETURNED = "returned", "the VM runs there"
    SWITCHOVER = "switchover", "the VM is stopped for the last round of its evacuation"
    ROUND = "round", "a round of a paced migration ends: the log of modified pages is read, and so many are found"
    THROTTLE = "throttle", "vCPUs are slowed down so that a migration converges [percent of their time]"
    MIGRATION_ABANDONED = "migration-abandoned", "a migration takes too long: the VM stays where it is"
    EPOCH = "epoch", "an epoch begins"
    PAUSE = "pause", "the VM is stopped for a checkpoint, or to find what is modified"
    FINAL_SCAN = "final-scan", "what is modified begins to be found, the VM standing still"
    CAPTURE = "capture", "the VM's state begins to be saved"
    HARVEST = "harvest", "modified lines begin to be copied, the VM standing still"
    RESUME = "resume", "the VM runs again"
    TRANSFER = "transfer", "an epoch's last lines begin to leave"
    LINES_SENT = "lines-sent", "they have left; the commit marker follows"
    STAGED = "staged", "the last lines of an epoch have arrived"
    COMMIT = "commit", "the second host can go on from the end of an epoch"
    ACKNOWLEDGE = "acknowledge", "the first host knows that"
    APPLY = "apply", "the image is at the end of an epoch"
    SCAN = "scan", "flags are checked"
    EARLY_COPY = "early-copy", "the core of the VM copies lines between two checkpoints, the VM standing still"
    INTERRUPT = "interrupt", "the VM stands still for an interrupt that replication takes"
    LOG_LIMIT = "log-limit", "the log is full up to its guard band"


#: What happens to each epoch, again and again; the other kinds tell what becomes of hosts, the VM and its protection.
LIFE_OF_AN_EPOCH = frozenset(
    {
        *(Kind.EPOCH, Kind.PAUSE, Kind.FINAL_SCAN, Kind.CAPTURE, Kind.HARVEST, Kind.RESUME, Kind.TRANSFER),
        *(Kind.LINES_SENT, Kind.STAGED, Kind.COMMIT, Kind.ACKNOWLEDGE, Kind.APPLY, Kind.SCAN, Kind.EARLY_COPY),
        *(Kind.INTERRUPT, Kind.LOG_LIMIT),
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at an instant, or began then and is known to last a while."""

    time_ns: int
    kind: Kind
    #: What it happened to, or who did it; `forward`, `backward` or `both` of the link.
    host: str
    #: The epoch it belongs to, -1 for none.
    epoch: int = -1
    duration_ns: int = 0
    #: Lines, addresses or whatever the kind counts.
    count: int = 0
    #: What more there is to say, as the kind of a fault.
    detail: str = ""
