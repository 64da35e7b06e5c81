"""A report of the host's management controller: settings."""

from collections.abc import Iterator
from typing import ClassVar

from vmfailover.scenario.detection import Detection, Stage
from vmfailover.scenario.record import written
from vmfailover.scenario.units import Duration


class HardwareSettings(Detection):
    """The management controller of the host reports that it is down."""

    code: ClassVar[str] = f"{__name__}.detector:HardwareDetector"
    unused: ClassVar[frozenset[str]] = frozenset({"interval", "timeout"})

    delay: Duration = written("1 ms")
    """hardware: time from a host going down to the report, in nanoseconds. Assumed."""

    def own_stages(self) -> Iterator[Stage]:
        """Yield the report."""
        yield Stage("report", self.delay)
