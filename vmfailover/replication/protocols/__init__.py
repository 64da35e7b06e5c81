"""How modified memory is found: one module a protocol, each under the name it has in a scenario."""

from vmfailover.replication.protocols.cacheline_flags import CachelineFlags

__all__ = ["PROTOCOLS", "CachelineFlags"]

#: Every protocol by its name.
PROTOCOLS = {"cacheline-flags": CachelineFlags}
