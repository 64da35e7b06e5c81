"""How much is there to send at the end of an interval, if modified memory is tracked in units of each size?"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter

from vmfailover.errors import InputError
from vmfailover.report.figures.canvas import DARK, LINES, TEXT, entitle, new_figure, tidy
from vmfailover.results.quantities import duration
from vmfailover.results.run_result import RunResult
from vmfailover.studies.dirty_set import GRANULARITIES, dirty_set

_SIZE = (8, 4.5)
#: Lengths of intervals that are looked at; the shortest, nanoseconds, and the accesses in it.
_INTERVALS = 8
_SHORTEST_NS = 10_000
_FEWEST = 10
#: The longest interval is this share of the guest's time, so that there are a few of it.
_LONGEST = 0.25


def dirty_set_growth(result: RunResult) -> Axes:
    """Draw the mean bytes that the guest modifies in an interval, against its length, one line a granularity.

    The guest's accesses are taken to be spread evenly over its time in the run. Raises InputError if it ran too
    shortly, and TraceError if its trace is not where it was.
    """
    scenario, guest_ns = result.scenario, sum(end - start for spans in result.spans.values() for start, end in spans)
    accesses = int(result.values["run.accesses"] or 0) // scenario.vm.vcpus
    longest_ns = _LONGEST * guest_ns
    shortest_ns = max(_SHORTEST_NS, _FEWEST * guest_ns / max(1, accesses))
    if longest_ns <= shortest_ns:
        raise InputError(f"{scenario.name}: the guest ran too shortly to tell what it modifies; make duration longer")
    lengths_ns = np.geomspace(shortest_ns, longest_ns, _INTERVALS)
    intervals = [round(accesses * length / guest_ns) for length in lengths_ns]
    modified = dirty_set(scenario, intervals, accesses)
    with new_figure(*_SIZE) as figure:
        axes = figure.subplots()
        for granularity, values, (colour, dashes) in zip(GRANULARITIES, modified.T, LINES, strict=True):
            axes.plot(lengths_ns * 1e-9, values, color=colour, linestyle=dashes, marker=".", label=_binary(granularity))
        _scale(axes)
        _mark_interval(axes, scenario.replication.checkpoint_interval)
        axes.legend(
            title="unit", title_fontsize=TEXT, fontsize=TEXT, frameon=False, loc="upper left", bbox_to_anchor=(1, 1),
            reverse=True,
        )  # fmt: skip
        entitle(figure, f"{scenario.name}: memory modified in an interval, in whole units")
    return axes


def _scale(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.xaxis.set_major_formatter(EngFormatter("s"))
    axes.yaxis.set_major_formatter(EngFormatter("B"))
    axes.grid(color="#dddddd", linewidth=0.6)
    tidy(axes, "length of the interval, logarithmic", "mean size of the units modified, logarithmic")


def _mark_interval(axes: Axes, interval_ns: int) -> None:
    """Show the checkpoint interval of the run, where it is among the lengths shown."""
    start, end = axes.get_xlim()
    if not start < interval_ns * 1e-9 < end:
        return
    axes.axvline(interval_ns * 1e-9, color=DARK, linewidth=1, linestyle=":")
    axes.annotate(
        f"checkpoint interval\n{duration(interval_ns)}", (interval_ns * 1e-9, 0.02), (-4, 0), ha="right", va="bottom",
        xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=TEXT,
    )  # fmt: skip


def _binary(unit: int) -> str:
    """Return a size as it is given in scenarios, such as `4 KiB`."""
    for scale, name in ((2**20, "MiB"), (2**10, "KiB")):
        if unit >= scale:
            return f"{unit // scale} {name}"
    return f"{unit} B"
