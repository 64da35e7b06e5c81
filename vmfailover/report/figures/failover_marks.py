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


def mark_failover(axes: Axes, story: Story) -> None:
    """Shade the time from the end of the primary to the takeover, and name what ended it."""
    if story.down is None:
        return
    axes.axvline(story.down, color=ALARM, linewidth=1.5, linestyle="--")
    name_above(axes, story.down, story.cause)
    up = story.instant("takeover")
    if up is not None and up > story.down:
        axes.axvspan(story.down, up, color="#000000", alpha=0.09, linewidth=0)


def name_above(axes: Axes, at: float, text: str) -> None:
    """Write a mark's name above the axes, to its left where there is more room."""
    late = at > sum(axes.get_xlim()) / 2
    axes.annotate(
        text, (at, 1), (-3 if late else 3, 2), xycoords=("data", "axes fraction"), textcoords="offset points",
        color=ALARM, fontsize=TEXT, ha="right" if late else "left",
    )  # fmt: skip
