"""What `.plot` of a result offers: one method a figure, each of which returns the axes that it has drawn on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from vmfailover.results.run_result import RunResult
    from vmfailover.studies.comparison import Comparison


@dataclass(frozen=True)
class RunPlots:
    """The figures of a run."""

    _result: RunResult

    def timeline(self) -> Axes:
        """Draw what both hosts and the clients went through; the axes are those of the hosts."""
        from vmfailover.report.figures.timeline import timeline

        return timeline(self._result)

    def epoch_anatomy(self) -> Axes:
        """Draw what each checkpoint took, part by part; the axes are those of the pauses.

        Raises InputError if no epoch was committed.
        """
        from vmfailover.report.figures.epoch_anatomy import epoch_anatomy

        return epoch_anatomy(self._result)

    def slowdown(self) -> Axes:
        """Draw what protection cost the guest, by causes; raise InputError if the run was too short to tell."""
        from vmfailover.report.figures.slowdown import slowdown

        return slowdown(self._result)

    def latency_distribution(self) -> Axes:
        """Draw the response times of clients by phase of the run; raise InputError if there were none."""
        from vmfailover.report.figures.latency_distribution import latency_distribution

        return latency_distribution(self._result)

    def link_utilisation(self) -> Axes:
        """Draw how busy the link was; raise InputError without samples."""
        from vmfailover.report.figures.link_utilisation import link_utilisation

        return link_utilisation(self._result)

    def log_occupancy(self) -> Axes:
        """Draw how full the address log was; raise InputError if there is no log, or without samples."""
        from vmfailover.report.figures.log_occupancy import log_occupancy

        return log_occupancy(self._result)

    def flagged_rows(self) -> Axes:
        """Draw where in the cache flags were set, and when; raise InputError if none was, or without samples."""
        from vmfailover.report.figures.flagged_rows import flagged_rows

        return flagged_rows(self._result)

    def dirty_set_growth(self) -> Axes:
        """Draw how much memory the guest modifies in an interval, by granularity.

        Executes the guest's stores again; raises InputError if the run was too short, and TraceError if the recorded
        workload is no longer where it was.
        """
        from vmfailover.report.figures.dirty_set_growth import dirty_set_growth

        return dirty_set_growth(self._result)


@dataclass(frozen=True)
class ComparisonPlots:
    """The figures of a comparison."""

    _comparison: Comparison

    def bars(self) -> Axes:
        """Draw what matters most of each column, side by side; the axes are those of the first of six panels."""
        from vmfailover.report.figures.comparison_bars import comparison_bars

        return comparison_bars(self._comparison)
