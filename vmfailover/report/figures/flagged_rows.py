"""Where in the cache are modified lines that have not been logged, and when?"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vmfailover.errors import InputError
from vmfailover.hardware.cache.state import Mode
from vmfailover.replication.protection import protection_class
from vmfailover.report.figures.canvas import TEXT, entitle, new_figure
from vmfailover.report.figures.failover_marks import mark_outages, time_axis
from vmfailover.report.figures.samples import sample_times, samples_of, without_vm
from vmfailover.report.figures.story import Story
from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario

_SIZE = (10, 4)


def flagged_rows(result: RunResult) -> Axes:
    """Draw the share of the L2's rows whose image-modification flag is set, by time and by sets, as a heat map.

    Raises InputError if the protocol does not go by flags, or no samples were taken.
    """
    scenario = result.scenario
    host = scenario.hosts.primary
    tracking = protection_class(scenario.replication).tracking(scenario.replication, host)
    if tracking.mode != Mode.FLAGS:
        raise InputError(f"{scenario.name}: {scenario.replication.protocol} does not go by flags of the cache")
    samples, story = samples_of(result), Story(result)
    counts = np.array([sample.flagged_by_sets for sample in samples[:-1]]).T
    groups = len(counts)
    edges = np.linspace(0, host.l2.sets(host.line), groups + 1)
    with new_figure(*_SIZE) as figure:
        axes = figure.subplots()
        shares = 100 * counts / _rows(scenario, groups)
        shares[:, without_vm(samples[:-1], story)] = np.nan
        mesh = axes.pcolormesh(sample_times(samples), edges, shares, cmap="Greys", vmin=0, rasterized=True)
        time_axis(axes, story, "sets of the L2", _subtitle(scenario, groups))
        mark_outages(axes, story)
        _colour_bar(figure, axes, mesh)
        entitle(figure, f"{scenario.name}: rows of the cache with the image-modification flag")
    return axes


def _rows(scenario: Scenario, groups: int) -> float:
    """Return the rows in a group of sets, over all cores."""
    host = scenario.hosts.primary
    return host.l2.sets(host.line) * host.l2.ways * scenario.vm.vcpus / groups


def _subtitle(scenario: Scenario, groups: int) -> str:
    host = scenario.hosts.primary
    return f"each cell is a group of {host.l2.sets(host.line) // groups} sets, {_rows(scenario, groups):g} rows"


def _colour_bar(figure: Figure, axes: Axes, mesh: object) -> None:
    bar = figure.colorbar(mesh, ax=axes, pad=0.02)  # type: ignore[arg-type]
    bar.set_label("rows flagged (%)", fontsize=TEXT)
    bar.ax.tick_params(labelsize=TEXT)
