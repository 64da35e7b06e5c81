"""Events of a run: what happened, when, on which host, and what each kind of them says."""

from dataclasses import dataclass

#: What each kind of event says, and in brackets what its `detail` holds.
KINDS: dict[str, str] = {
    "failure": "a fault ends the service of the host with the VM [kind of fault]",
    "fault": "another fault: of the other host, of the link, or one that slows down [kind of fault]",
    "passed": "a fault is over, and what it struck works again: no other of its kind acts there [kind of fault]",
    "down": "the host with the VM is silent from now on, by a fault or because it was fenced",
    "standby-down": "another host is silent from now on",
    "repaired": "a host can be put into service again",
    "detect": "the second host gives up the one with the VM [the host given up]",
    "detect-loss": "the host with the VM gives up the second one [the host given up]",
    "fence": "the second host knows that the first is silent, or has nothing to make sure of it",
    "fencing-failed": "it cannot be made sure that the first host is silent: there is no takeover",
    "image-complete": "memory on the second host is at the state from which the VM will go on",
    "takeover": "the VM runs on the second host",
    "lost": "there is no state from which the VM could go on",
    "alone": "the VM goes on without a second host",
    "synchronise": "memory of the VM begins to be copied to a further host [the host with the VM]",
    "synchronisation-failed": "the further host is given up meanwhile [the further host]",
    "protected": "a pair of hosts protects the VM: the host of the event is the second one [the host with the VM]",
    "failback": "the VM is stopped to move back to the primary, as planned",
    "returned": "the VM runs there",
    "switchover": "the VM is stopped for the last round of its evacuation",
    "epoch": "an epoch begins",
    "pause": "the VM is stopped for a checkpoint, or to find what is modified",
    "final-scan": "what is modified begins to be found, the VM standing still",
    "capture": "the VM's state begins to be saved",
    "harvest": "modified lines begin to be copied, the VM standing still",
    "resume": "the VM runs again",
    "transfer": "an epoch's last lines begin to leave",
    "lines-sent": "they have left; the commit marker follows",
    "staged": "the last lines of an epoch have arrived",
    "commit": "the second host can go on from the end of an epoch",
    "acknowledge": "the first host knows that",
    "apply": "the image is at the end of an epoch",
    "scan": "flags are checked",
    "early-copy": "the core of the VM copies lines between two checkpoints, the VM standing still",
    "interrupt": "the VM stands still for an interrupt that replication takes",
    "log-limit": "the log is full up to its guard band",
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at an instant, or began then and is known to last a while."""

    time_ns: int
    #: One of `KINDS`.
    kind: str
    #: What it happened to, or who did it; `forward`, `backward` or `both` of the link.
    host: str
    #: The epoch it belongs to, -1 for none.
    epoch: int = -1
    duration_ns: int = 0
    #: Lines, addresses or whatever the kind counts.
    count: int = 0
    #: What more there is to say, as the kind of a fault.
    detail: str = ""
