"""What becomes of a VM that has lost one of its two hosts."""

import re
from typing import Annotated

from pydantic import Field

from vmfailover.scenario.record import Integer, Record, written
from vmfailover.scenario.units import Duration, NoneText

#: What the name of a spare host looks like.
SPARE = "spare-[1-9][0-9]{0,2}"


class Reprotection(Record):
    """Where a VM that runs on one host finds a second one, which then gets a full copy of it while it runs."""

    spares: Annotated[Integer, Field(ge=0, le=100)] = 0
    """Further hosts, built like the secondary, that stand by: spare-1, spare-2, …"""
    repair: Annotated[Duration | None, NoneText] = None
    """Time from a host going down until it can be used again, with its memory as it was left; none is never. In
    nanoseconds."""
    delay: Duration = written("0 ns")
    """Time from the VM running on one host until its synchronisation with another may begin, in nanoseconds."""
    failback: Annotated[Duration | None, NoneText] = None
    """Time for which the VM has been protected by the host `primary` until it moves back there; none is never. In
    nanoseconds."""

    @property
    def spare_names(self) -> tuple[str, ...]:
        """The names of the hosts that stand by."""
        return tuple(f"spare-{number}" for number in range(1, self.spares + 1))

    def lacks(self, host: str) -> bool:
        """Whether a name is that of a spare host that there is not."""
        return re.fullmatch(SPARE, host) is not None and host not in self.spare_names

    @property
    def possible(self) -> bool:
        """Whether there is ever a further host."""
        return self.spares > 0 or self.repair is not None
