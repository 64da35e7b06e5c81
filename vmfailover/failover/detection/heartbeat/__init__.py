"""Heartbeats over the replication link: settings."""

from collections.abc import Iterator
from typing import Any, ClassVar

from vmfailover.scenario.detection import Detection, Stage
from vmfailover.scenario.errors import Problem
from vmfailover.scenario.units import DURATION


class HeartbeatSettings(Detection):
    """The other host reports at intervals, and silence is a failure."""

    code: ClassVar[str] = f"{__name__}.detector:HeartbeatDetector"

    def own_stages(self) -> Iterator[Stage]:
        """Yield the silence."""
        since = f"less up to {DURATION.format(self.interval)} since a heartbeat"
        yield Stage("silence", self.timeout, since, self.timeout - self.interval)

    @property
    def between_signs_ns(self) -> int:
        """One heartbeat follows the other."""
        return self.interval

    def problems(self, scenario: Any) -> Iterator[Problem]:
        """Yield a problem where a host is silent for too long between two heartbeats."""
        del scenario
        if self.timeout <= self.interval:
            message = f"a living host would be taken for dead; write more than {DURATION.format(self.interval)}"
            yield Problem(("detection", "timeout"), message)
