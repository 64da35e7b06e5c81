"""The ways to protect a VM: one module a protocol, found by the name that it has in a scenario."""

from importlib import import_module

from vmfailover.replication.protection import Protection
from vmfailover.scenario.protocols import PROTOCOLS


def protection_class(name: str) -> type[Protection]:
    """Return the class of a protocol, importing its module."""
    module, _, attribute = PROTOCOLS[name].implementation.partition(":")
    found: type[Protection] = getattr(import_module(module), attribute)
    return found
