"""What figures over a run's time have in common: the time axis, and where the VM was down."""

from matplotlib.axes import Axes

from vmfailover.report.figures.canvas import ALARM, TEXT, tidy
from vmfailover.report.figures.story import Story

#: Points above the axes at which a title leaves room for the names of marks.
ABOVE_MARK = 15


def time_axis(axes: Axes, story: Story, y: str, title: str) -> None:
    """Label axes that show a whole run, from its beginning to its end, in milliseconds."""
    axes.set_xlim(0, story.end)
    axes.set_title(title, loc="left", fontsize=TEXT, pad=ABOVE_MARK)
    tidy(axes, "time (ms)", y)


def mark_outages(axes: Axes, story: Story) -> None:
    """Shade every time without a VM, and name what ended the first host that had it."""
    for outage in story.outages:
        axes.axvline(outage.start, color=ALARM, linewidth=1.5, linestyle="--")
        axes.axvspan(outage.start, outage.end, color="#000000", alpha=0.09, linewidth=0)
    if story.down is not None:
        name_above(axes, story.down, story.cause)


def name_above(axes: Axes, at: float, text: str) -> None:
    """Write a mark's name above the axes, to its left where there is more room."""
    late = at > sum(axes.get_xlim()) / 2
    axes.annotate(
        text, (at, 1), (-3 if late else 3, 2), xycoords=("data", "axes fraction"), textcoords="offset points",
        color=ALARM, fontsize=TEXT, ha="right" if late else "left",
    )  # fmt: skip
