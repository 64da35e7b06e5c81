"""Whom a host reaches, plane by plane."""

from collections import Counter
from collections.abc import Iterable

from vmfailover.hardware.link import Channel
from vmfailover.records.planes import Plane, Way

Relation = tuple[Plane, Way]


class Planes:
    """The relations of one computer, each open unless something cuts it.

    Faults may overlap and end in any order: a relation is cut as long as one of them cuts it. Cuts of the plane of
    replication act on the channels to and from the other hosts.
    """

    def __init__(self) -> None:
        """Begin with every relation open, and no channel."""
        self._cuts: Counter[Relation] = Counter()
        self._channels: dict[Way, list[Channel]] = {Way.OUT: [], Way.IN: []}

    def __repr__(self) -> str:
        """Return what is cut."""
        cut = ", ".join(f"{plane} {way}" for (plane, way), count in self._cuts.items() if count)
        return f"<Planes: {cut or 'nothing'} cut>"

    def attach(self, out: Channel, into: Channel) -> None:
        """Let cuts of replication act on one more pair of channels too, also those that act already."""
        for way, channel in ((Way.OUT, out), (Way.IN, into)):
            self._channels[way].append(channel)
            for _ in range(self._cuts[Plane.REPLICATION, way]):
                channel.cut()

    def cut(self, relations: Iterable[Relation]) -> None:
        """Let nothing through, until `restore` is called with the same relations."""
        for plane, way in relations:
            self._cuts[plane, way] += 1
            for channel in self._channels[way] if plane == Plane.REPLICATION else ():
                channel.cut()

    def restore(self, relations: Iterable[Relation]) -> None:
        """Take back one `cut` of these relations."""
        for plane, way in relations:
            self._cuts[plane, way] -= 1
            for channel in self._channels[way] if plane == Plane.REPLICATION else ():
                channel.restore()

    def lets(self, plane: Plane, way: Way) -> bool:
        """Whether messages of a plane pass one way."""
        return not self._cuts[plane, way]

    def reaches(self, plane: Plane) -> bool:
        """Whether a question of this host is answered: messages of a plane pass both ways."""
        return all(self.lets(plane, way) for way in Way)


#: The relations of a party that nothing cuts off.
UNCUT = Planes()
