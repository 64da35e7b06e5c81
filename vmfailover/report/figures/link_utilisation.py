"""How busy was the link, and would a slower one do?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from vmfailover.report.figures.canvas import ALARM, BLUE, DARK, TEXT, entitle, new_figure
from vmfailover.report.figures.failover_marks import mark_outages, time_axis
from vmfailover.report.figures.samples import sample_times, samples_of
from vmfailover.report.figures.story import Story
from vmfailover.results.quantities import bit_rate, duration
from vmfailover.results.run_result import RunResult
from vmfailover.results.samples import Sample

_SIZE = (10, 3.2)
#: Stretches of a run, at most, over each of which the use of the link is averaged.
_STRETCHES = 250


def link_utilisation(result: RunResult) -> Axes:
    """Draw for which share of the time the link has carried something, in both directions, over the run.

    Raises InputError if no samples were taken.
    """
    all_samples, story = samples_of(result), Story(result)
    samples = all_samples[:: max(1, len(all_samples) // _STRETCHES)]
    times = sample_times(samples)
    with new_figure(*_SIZE) as figure:
        axes = figure.subplots()
        forward = _shares(samples, "forward_busy_ns")
        axes.stairs(forward, times, fill=True, color=BLUE, label="to the host that protects the VM")
        axes.stairs(_shares(samples, "backward_busy_ns"), times, color=DARK, linestyle=":", label="back")
        _mark_mean(axes, forward, times, story)
        axes.set_ylim(0, 105)
        spacing = duration(float(np.median(np.diff(times))) * 1e6)
        bandwidth = bit_rate(result.scenario.link.bandwidth)
        time_axis(axes, story, "link busy (%)", f"{bandwidth}; each step is the mean of {spacing}")
        mark_outages(axes, story)
        axes.legend(fontsize=TEXT, frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
        entitle(figure, f"{result.scenario.name}: use of the replication link")
    return axes


def _shares(samples: Sequence[Sample], field: str) -> npt.NDArray[np.float64]:
    """Return the busy share between each two samples, per cent, float64[samples - 1]."""
    busy = np.diff([getattr(sample, field) for sample in samples])
    shares: npt.NDArray[np.float64] = 100 * busy / np.diff([sample.time_ns for sample in samples])
    return shares


def _mark_mean(axes: Axes, shares: npt.NDArray[np.float64], times: npt.NDArray[np.float64], story: Story) -> None:
    """Show the mean up to the end of the primary: what comes after it is not protected, or by another host."""
    lengths = np.clip(times[1:], None, story.primary_end) - np.clip(times[:-1], None, story.primary_end)
    if not lengths.any():
        return
    mean = float(np.average(shares, weights=lengths))
    whole = story.primary_end >= story.end
    label = f"mean {'of the run' if whole else 'until the primary ends'}: {mean:.1f} %"
    ends = [times[0], min(times[-1], story.primary_end)]
    axes.plot(ends, [mean, mean], color=ALARM, linewidth=1.5, linestyle="--", label=label)
