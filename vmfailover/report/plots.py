"""What `.plot` of a result offers: one method a figure, each of which returns the axes that it has drawn on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from vmfailover.results.run_result import RunResult
    from vmfailover.studies.comparison import Comparison
    from vmfailover.studies.exploration import Exploration
    from vmfailover.studies.fit import Fit
    from vmfailover.studies.migration import Migration
    from vmfailover.studies.replication import Replications
    from vmfailover.studies.sensitivity import Sensitivity
    from vmfailover.studies.sweep import Sweep
    from vmfailover.studies.tuning import Tuning


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

    def slowdown(self) -> Axes:
        """Draw what slows the guest down in each column, by cause."""
        from vmfailover.report.figures.comparison_slowdown import comparison_slowdown

        return comparison_slowdown(self._comparison)


@dataclass(frozen=True)
class SweepPlots:
    """The figures of a sweep. Metrics go by their full names, of which `_ns` and `_bps` may be left out."""

    _sweep: Sweep

    def heat_map(self, metric: str = "failover.latency_ns") -> Axes:
        """Draw a metric over two keys, a cell a pair of values; raise InputError unless it is a grid of two keys."""
        from vmfailover.report.figures.sweep_heat_map import sweep_heat_map

        return sweep_heat_map(self._sweep, metric)

    def line(self, metric: str = "failover.latency_ns", by: str | None = None) -> Axes:
        """Draw a metric over one key, a line a value of the key `by`, which is the second one if not said.

        Raises InputError unless it is a grid of one or two keys.
        """
        from vmfailover.report.figures.sweep_line import sweep_line

        return sweep_line(self._sweep, metric, by)

    def pareto(self, x: str = "guest.slowdown", y: str = "failover.latency_ns") -> Axes:
        """Draw one metric against another at every point, and list the points that no other is better than in both."""
        from vmfailover.report.figures.sweep_pareto import sweep_pareto

        return sweep_pareto(self._sweep, x, y)


@dataclass(frozen=True)
class SensitivityPlots:
    """The figures of a sensitivity analysis."""

    _found: Sensitivity

    def tornado(self) -> Axes:
        """Draw how much each key moves the metric, the one that moves it most on top."""
        from vmfailover.report.figures.tornado import tornado

        return tornado(self._found)


@dataclass(frozen=True)
class ExplorationPlots:
    """The figures of an exploration."""

    _found: Exploration

    def coverage(self) -> Axes:
        """Draw when faults struck and what came of it; the axes are those of the first kind of fault."""
        from vmfailover.report.figures.exploration_coverage import exploration_coverage

        return exploration_coverage(self._found)


@dataclass(frozen=True)
class ReplicationsPlots:
    """The figures of replications."""

    _found: Replications

    def distribution(self, metric: str = "failover.latency_ns") -> Axes:
        """Draw how a metric is distributed, with its mean, median and 99th percentile."""
        from vmfailover.report.figures.distribution import distribution

        return distribution(self._found, metric)


@dataclass(frozen=True)
class TuningPlots:
    """The figures of a search."""

    _found: Tuning

    def trials(self) -> Axes:
        """Draw the objective of every trial over the keys; the axes are those of the first key."""
        from vmfailover.report.figures.tuning_trials import tuning_trials

        return tuning_trials(self._found)


@dataclass(frozen=True)
class FitPlots:
    """The figures of hot sets that are fitted to a guest."""

    _found: Fit

    def curves(self) -> Axes:
        """Draw how much memory is modified in windows, as recorded and fitted; the axes are those of the curves."""
        from vmfailover.report.figures.fit_curves import fit_curves

        return fit_curves(self._found)


@dataclass(frozen=True)
class MigrationPlots:
    """The figures of a live migration."""

    _found: Migration

    def rounds(self) -> Axes:
        """Draw what each round sends, and what is modified in it."""
        from vmfailover.report.figures.migration_rounds import migration_rounds

        return migration_rounds(self._found)
