"""The roles that a VM's hosts have."""

from enum import StrEnum


class Role(StrEnum):
    """A role of a host for a VM.

    A host is named after the role with which it begins, and keeps that name in whatever role it is later.
    """

    #: Runs the VM.
    PRIMARY = "primary"
    #: May take over.
    SECONDARY = "secondary"
