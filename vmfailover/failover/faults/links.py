"""Faults of the link between the hosts."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from vmfailover.scenario.failover import LINK, Failure, Undo
from vmfailover.scenario.record import Number, written
from vmfailover.scenario.units import Fraction

if TYPE_CHECKING:
    from vmfailover.hardware.link import Channel


class LinkFault(Failure):
    """A fault of one direction of the link, or of both."""

    targets: ClassVar[tuple[str, ...]] = LINK
    strikes_link: ClassVar[bool] = True
    passes: ClassVar[bool] = True


class LinkCut(LinkFault):
    """The link lets nothing through."""

    def strike(self, part: "Channel", report: Callable[[str], None]) -> Undo | None:
        """Cut the channel."""
        del report
        part.cut()
        return part.restore


class LinkLoss(LinkFault):
    """The link loses frames."""

    share: Fraction = written("10 %")
    """Share of the frames that link-loss loses; of all of them, it is a link that is cut. Of what one such fault lets
    through, another that acts at once loses its own share, and so does `link.loss`."""

    def strike(self, part: "Channel", report: Callable[[str], None]) -> Undo | None:
        """Let the channel lose frames, or all."""
        del report
        if self.share == 1:
            part.cut()
            return part.restore
        part.begin_loss(self.share)
        return partial(part.end_loss, self.share)


class LinkSlow(LinkFault):
    """The link is slower."""

    factor: Annotated[Number, Field(ge=1)] = 10.0
    """How many times as long everything takes: slow-host, link-slow. Those that act at once multiply."""

    def strike(self, part: "Channel", report: Callable[[str], None]) -> Undo | None:
        """Slow the channel down."""
        del report
        part.begin_slowdown(self.factor)
        return partial(part.end_slowdown, self.factor)
