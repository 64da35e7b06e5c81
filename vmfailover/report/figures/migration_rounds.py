"""Does a migration send faster than the guest modifies memory, and how do its rounds become shorter?"""

from __future__ import annotations

from math import floor, log10

from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, NullFormatter

from vmfailover.report.figures.canvas import BLUE, ORANGE, TEXT, entitle, new_figure, tidy
from vmfailover.studies.migration import Migration

_SIZE = (8, 4)


def migration_rounds(found: Migration) -> Axes:
    """Draw what each round sends, and what is modified in it, as wide as the round takes; the axes are of both."""
    with new_figure(*_SIZE) as figure:
        axes = figure.subplots()
        starts = [each.started_ns / 1e9 for each in found.rounds]
        widths = [each.duration_ns / 1e9 for each in found.rounds]
        sent = [each.sent_bytes for each in found.rounds]
        axes.bar(starts, sent, widths, align="edge", color=BLUE, edgecolor="white", linewidth=0.3, label="sent")
        modified = [(each.started_ns, each.duration_ns, each.modified_bytes) for each in found.rounds]
        told = [(begin / 1e9, lasts / 1e9, count) for begin, lasts, count in modified if count is not None]
        for begin, lasts, count in told:
            axes.hlines(count, begin, begin + lasts, color=ORANGE, linewidth=3)
        axes.plot([], [], color=ORANGE, linewidth=3, label="modified meanwhile")
        axes.set_yscale("log", nonpositive="clip")
        least = min((size for size in (*sent, *(count for *_, count in told)) if size), default=1)
        axes.set_ylim(bottom=10 ** floor(log10(least)))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(EngFormatter("B"))
        axes.xaxis.set_major_formatter(EngFormatter("s"))
        axes.set_xlim(left=0)
        axes.legend(fontsize=TEXT, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        tidy(axes, "since the migration began; a bar is a round", "bytes of a round, logarithmic")
        outcome = "it converges" if found.converged else "it does not converge"
        entitle(figure, f"{found.scenario.name}: rounds of a live migration; {outcome}")
    return axes
