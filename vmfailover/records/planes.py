"""The planes of a network: whom a host exchanges messages with, and for what."""

from enum import StrEnum


class Plane(StrEnum):
    """A relation between a host and another party, which the network can lose by itself."""

    #: The other hosts: heartbeats, and what replication sends.
    REPLICATION = "replication"
    #: The users of the VM.
    CLIENTS = "clients"
    #: The third party that votes.
    WITNESS = "witness"
    #: The power control of the other hosts.
    POWER = "power"
    #: The storage that hosts share.
    STORAGE = "storage"


class Way(StrEnum):
    """A direction, as a host sees it."""

    IN = "in"
    OUT = "out"
