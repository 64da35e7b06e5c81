"""Which faults act on what, and when each of them has passed.

Faults may overlap and end in any order. One is over at its own time; it has passed once what it struck works again: no
fault of its kind acts there any more.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from vmfailover.hardware.host import Host
from vmfailover.hardware.link import Channel
from vmfailover.scenario.failover import Undo


@dataclass(eq=False)
class ActingFault:
    """What one fault does to a host, or to one or both directions of the link."""

    kind: str
    #: Name of what it has struck.
    struck: str
    parts: tuple[Host | Channel, ...]
    #: Whether it never passes.
    lasting: bool
    #: Takes it back, a call for each part; none for what cannot pass.
    undo: tuple[Undo, ...] = ()
    over: bool = False

    def holds_up(self, other: "ActingFault") -> bool:
        """Whether what another fault has struck does not work again because of this one."""
        return not self.over and self.kind == other.kind and any(part in other.parts for part in self.parts)

    @property
    def is_moot(self) -> bool:
        """Whether the host that it has struck is down meanwhile, and will not work again."""
        return any(isinstance(part, Host) and not part.up for part in self.parts)


class ActingFaults:
    """The faults of a run that have not passed."""

    def __init__(self) -> None:
        """Nothing has gone wrong yet."""
        self._faults: list[ActingFault] = []

    def begin(self, fault: ActingFault) -> None:
        """Note a fault that has struck."""
        self._faults.append(fault)

    def end(self, fault: ActingFault) -> list[ActingFault]:
        """Note that a fault is over; return those that have passed by that, in the order in which they struck."""
        fault.over = True
        passed = list(self._passed())
        self._faults = [each for each in self._faults if each not in passed and not each.is_moot]
        return [each for each in passed if not each.is_moot]

    def keep_for_ever(self, undo: Undo) -> bool:
        """Whether a fault does for ever what this would take back: `thaw` of a host, `restore` of a channel."""
        return any(each.lasting and undo in each.undo for each in self._faults)

    def _passed(self) -> Iterator[ActingFault]:
        for fault in self._faults:
            if fault.over and not any(other.holds_up(fault) for other in self._faults):
                yield fault
