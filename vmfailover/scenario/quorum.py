"""Who may go on when hosts lose sight of each other, and what becomes of the other."""

from collections.abc import Iterator
from typing import Literal

from vmfailover.scenario.errors import Problem
from vmfailover.scenario.record import Record, written
from vmfailover.scenario.units import Duration


class Quorum(Record):
    """The votes that a host needs before it fences and goes on without the other, and what it does without them."""

    kind: Literal["none", "witness"] = "none"
    """none: a host that has given up the other goes on. witness: it needs the vote of a third party, which gives it to
    the first host that asks; a host that does not reach that party, or is refused, has no quorum. Corosync (qdevice),
    Hyper-V (file share witness), vSphere (isolation address)."""
    vote: Duration = written("10 ms")
    """Time from the question to the vote, in nanoseconds. When in it the question arrives is chance. Assumed."""
    response: Literal["none", "power-off", "shut-down", "reset"] = "none"
    """What a host that runs the VM does without quorum. none: the VM waits. power-off: it ends the VM. shut-down: it
    lets the guest shut down. reset: it restarts itself. vSphere (isolation response), Pacemaker (no-quorum-policy)."""
    delay: Duration = written("0 ns")
    """Time without quorum after which it does so, unless it hears the other host or has the vote by then, in
    nanoseconds. vSphere (das.config.fdm.isolationPolicyDelaySec)."""
    shut_down: Duration = written("0 ns")
    """Time that the guest takes to shut down, in nanoseconds. Assumed."""

    @property
    def vote_ns(self) -> int:
        """Time that the vote takes, if one is needed, nanoseconds."""
        return self.vote if self.kind == "witness" else 0

    def problems(self) -> Iterator[Problem]:
        """Yield what says nothing without a witness."""
        if self.response != "none" and self.kind == "none":
            yield Problem(("quorum", "response"), "no host is ever without quorum; write 'kind: witness' too")
