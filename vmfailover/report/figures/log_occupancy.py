"""How full was the address log, and did it come near the guard band?"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from vmfailover.errors import InputError
from vmfailover.report.figures.canvas import ALARM, BLUE, entitle, new_figure
from vmfailover.report.figures.failover_marks import mark_outages, time_axis
from vmfailover.report.figures.samples import sample_times, samples_of, without_vm
from vmfailover.report.figures.story import Story
from vmfailover.results.run_result import RunResult
from vmfailover.scenario.checks import guard_band, log_capacity

_SIZE = (10, 3.2)


def log_occupancy(result: RunResult) -> Axes:
    """Draw the share of the log in use over the run, with the share from which on the VM has to stop for room.

    Raises InputError if the protocol keeps no log, or no samples were taken.
    """
    scenario = result.scenario
    if not scenario.replication.uses_log:
        raise InputError(f"{scenario.name}: {scenario.replication.protocol} keeps no log of addresses")
    samples, story, entries = samples_of(result), Story(result), log_capacity(scenario)
    with new_figure(*_SIZE) as figure:
        axes = figure.subplots()
        shares = np.array([100 * sample.log_entries / entries for sample in samples])
        shares[without_vm(samples, story)] = np.nan
        axes.fill_between(sample_times(samples), shares, step="post", color=BLUE, linewidth=0)
        told = _mark_guard_band(axes, 100 * (1 - guard_band(scenario) / entries))
        axes.set_ylim(0, 100)
        time_axis(axes, story, "log in use (%)", f"{entries:,} entries, sampled {len(samples):,} times{told}")
        mark_outages(axes, story)
        entitle(figure, f"{scenario.name}: occupancy of the address log")
    return axes


def _mark_guard_band(axes: Axes, begin: float) -> str:
    """Show the share above which the VM stops, and tell of it; none if a full log stalls the processor instead."""
    if begin >= 100:
        return ""
    axes.axhspan(begin, 100, facecolor="none", edgecolor=ALARM, hatch="////", linewidth=0, alpha=0.4)
    axes.axhline(begin, color=ALARM, linewidth=1)
    return f"; guard band (hatched): above {begin:.0f} % the VM stops until there is room"
