"""What of a cluster faults can strike, now."""

from collections.abc import Mapping, Sequence

from vmfailover.cluster.inventory import Inventory
from vmfailover.cluster.protected_pair import ProtectedPair
from vmfailover.guest.hosted_vm import HostedVm
from vmfailover.hardware.link import Channel


class ClusterTargets:
    """The hosts of an inventory, and the link of the pair that protects the VM now, or did at last."""

    def __init__(self, inventory: Inventory, pairs: Sequence[ProtectedPair]) -> None:
        """Let `pairs` be those that have protected the VM, in order, to which others may be added."""
        self._inventory = inventory
        self._pairs = pairs

    @property
    def hosted(self) -> Mapping[str, HostedVm]:
        """The hosts by their names, and by their roles `active` and `standby`."""
        pair = self._pairs[-1]
        return {**self._inventory.hosted, "active": pair.active, "standby": pair.standby}

    @property
    def channels(self) -> Mapping[str, Channel]:
        """The directions of the link between the hosts, by the names `forward` and `backward`."""
        link = self._pairs[-1].context.link
        return {"forward": link.forward, "backward": link.backward}

    def report(self, host: str) -> None:
        """Let the other host know at once that this one has failed."""
        self._pairs[-1].report(host)
