"""What did protection cost the guest, and why?"""

from __future__ import annotations

from matplotlib.axes import Axes

from vmfailover.errors import InputError
from vmfailover.report.figures.canvas import FILLS, TEXT, entitle, new_figure, tidy
from vmfailover.results.quantities import share
from vmfailover.results.run_result import RunResult

_SIZE = (8, 2)
#: Causes of slowdown with their metrics.
CAUSES = (
    ("stopped for checkpoints", "guest.pause_fraction"),
    ("copying lines early", "guest.early_copy_fraction"),
    ("stalled by log and memory", "guest.stall_fraction"),
    ("faults and interrupts", "guest.fault_fraction"),
)


def slowdown(result: RunResult) -> Axes:
    """Draw the slowdown of the guest as one bar, by its causes.

    Raises InputError if the run was too short to tell.
    """
    total = result.values["guest.slowdown"]
    if total is None:
        raise InputError(
            f"{result.scenario.name}: the guest ran too shortly to tell its slowdown; make duration longer"
        )
    with new_figure(*_SIZE) as figure:
        axes = figure.subplots()
        left = 0.0
        for (cause, metric), (colour, hatch) in zip(CAUSES, FILLS, strict=False):
            value = float(result.values[metric] or 0)
            axes.barh(
                0, 100 * value, left=left, height=0.6, label=f"{cause}: {share(value)}",
                color=colour, hatch=hatch, edgecolor="#333333", linewidth=0.5,
            )  # fmt: skip
            left += 100 * value
        axes.set_xlim(0, 1.05 * left or 1)
        axes.set_yticks([])
        tidy(axes, "longer than unprotected (%)")
        axes.legend(fontsize=TEXT, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        entitle(figure, f"{result.scenario.name}: the guest runs {share(float(total))} longer, protected")
    return axes
