"""What did each checkpoint cost? Its pause, part by part, and its way to the secondary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from vmfailover.errors import InputError
from vmfailover.report.figures.canvas import FILLS, TEXT, entitle, new_figure, tidy
from vmfailover.results.records import EpochRow
from vmfailover.results.run_result import RunResult

#: Colours and hatches.
Fills = Sequence[tuple[str, str]]
#: Parts of a pause, in order, with the fields that hold their nanoseconds.
_PAUSE = (
    ("stop the VM", "quiesce_ns"),
    ("find what is modified", "scan_ns"),
    ("save the state", "capture_ns"),
    ("drop duplicates", "deduplication_ns"),
    ("copy what is left", "harvest_ns"),
)
#: Looks of the parts of the way to the commit, none of which is one of a pause's parts.
_WAY_FILLS = (("#1a1a1a", ""), ("#79b87a", "\\\\\\\\"), ("#fbe7a1", "//"))
#: Looks of the parts of a pause.
_PAUSE_FILLS = (*(fill for fill in FILLS if fill not in _WAY_FILLS), ("#f4b6c2", "++"))
_SIZE = (10, 5)
#: Steps that can be told apart.
_MOST_STEPS = 120


def epoch_anatomy(result: RunResult) -> Axes:
    """Draw the pause of every committed epoch by its parts, and below it the time from the pause to the commit.

    Returns the axes of the pauses. Raises InputError if no epoch was committed.
    """
    rows = [row for row in result.epoch_rows if row.resumed_ns >= 0 and row.committed_ns >= row.paused_ns >= 0]
    if not rows:
        raise InputError(f"{result.scenario.name}: no epoch was committed, so that there is none to show the parts of")
    with new_figure(*_SIZE) as figure:
        pauses, commits = cast(tuple[Axes, Axes], figure.subplots(2, 1, sharex=True))
        _stack(pauses, rows, _pause_parts(rows), _PAUSE_FILLS, 1e-3)
        tidy(pauses, y="VM stopped (µs)")
        _stack(commits, rows, _way_parts(rows), _WAY_FILLS, 1e-6)
        tidy(commits, "epoch", "since the stop (ms)")
        commits.xaxis.set_major_locator(MaxNLocator(integer=True))
        commits.set_xlim(rows[0].epoch - 0.5, rows[-1].epoch + 0.5)
        entitle(figure, f"{result.scenario.name}: {_title(_epochs_a_step(rows))}")
    return pauses


def _epochs_a_step(rows: Sequence[EpochRow]) -> int:
    return -(-(rows[-1].epoch - rows[0].epoch + 1) // _MOST_STEPS)


def _title(epochs: int) -> str:
    which = "each checkpoint" if epochs == 1 else f"checkpoints, in means of {epochs},"
    return f"what {which} took, and until {'it was' if epochs == 1 else 'they were'} committed"


def _pause_parts(rows: Sequence[EpochRow]) -> dict[str, list[int]]:
    parts = {name: [getattr(row, field) for row in rows] for name, field in _PAUSE}
    spent = [sum(values) for values in zip(*parts.values(), strict=True)]
    rest = [row.resumed_ns - row.paused_ns - known for row, known in zip(rows, spent, strict=True)]
    return parts | {"the rest, until it runs": rest}


def _way_parts(rows: Sequence[EpochRow]) -> dict[str, list[int]]:
    sent = [min(max(row.sent_ns, row.resumed_ns), row.committed_ns) for row in rows]
    return {
        "VM stopped": [row.resumed_ns - row.paused_ns for row in rows],
        "send what is left": [at - row.resumed_ns for row, at in zip(rows, sent, strict=True)],
        "until committed": [row.committed_ns - at for row, at in zip(rows, sent, strict=True)],
    }


def _stack(axes: Axes, rows: Sequence[EpochRow], parts: dict[str, list[int]], fills: Fills, scale: float) -> None:
    """Stack parts as bands with a step an epoch, or for the mean of some; those that are nothing are left out."""
    width, numbers = _epochs_a_step(rows), np.array([row.epoch for row in rows])
    edges = np.arange(numbers[0], numbers[-1] + 1 + width, width) - 0.5
    base = np.zeros(edges.size)
    shown = {name: _means(numbers, values, width) * scale for name, values in parts.items() if any(values)}
    for (name, heights), (colour, hatch) in zip(shown.items(), fills, strict=False):
        axes.fill_between(
            edges, base, base + heights, step="post", label=name,
            facecolor=colour, hatch=hatch, edgecolor="#333333", linewidth=0.4,
        )  # fmt: skip
        base = base + heights
    axes.set_ylim(0, 1.05 * base.max())
    axes.margins(x=0)
    axes.legend(fontsize=TEXT, frameon=False, loc="upper left", bbox_to_anchor=(1, 1), reverse=True)


def _means(numbers: npt.NDArray[np.int64], values: Sequence[int], width: int) -> npt.NDArray[np.float64]:
    """Return the mean over each `width` epochs from the first to the last, and the last one's again, ending its step.

    Epochs that are not shown count for nothing; where there are no others, it is 0.
    """
    steps = (numbers - numbers[0]) // width
    sums, counts = np.bincount(steps, values), np.bincount(steps)
    means = np.divide(sums, counts, out=np.zeros(sums.size), where=counts > 0)
    return np.append(means, means[-1])
