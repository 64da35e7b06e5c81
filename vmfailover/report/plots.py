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


@dataclass(frozen=True)
class ComparisonPlots:
    """The figures of a comparison."""

    _comparison: Comparison

    def bars(self) -> Axes:
        """Draw what matters most of each column, side by side; the axes are those of the first of six panels."""
        from vmfailover.report.figures.comparison_bars import comparison_bars

        return comparison_bars(self._comparison)
