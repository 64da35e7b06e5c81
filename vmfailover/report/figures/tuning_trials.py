"""The trials of a search: what each value of a key came to, and which of them keep the constraints."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from vmfailover.errors import InputError
from vmfailover.report.figures.canvas import BLUE, DARK, ORANGE, TEXT, entitle, new_figure, tidy
from vmfailover.report.figures.metric_axis import MetricAxis, go_logarithmic, is_wide
from vmfailover.report.figures.sweep_keys import as_written
from vmfailover.results.quantities import counted
from vmfailover.studies.tuning import Trial, Tuning

#: Inches: of a panel, of what stands left of them, of the least width, and of the height.
_PANEL, _LEFT, _LEAST_WIDTH, _HEIGHT = 4.2, 1.0, 7.0, 4.6
#: Where in a range the nearest trials are labelled, and how far labels are apart at least.
_TICKS, _APART = (0, 1 / 3, 2 / 3, 1), 0.26


def tuning_trials(found: Tuning) -> Axes:
    """Draw the objective of each trial over each key that varied, a panel a key, and return the first panel's axes.

    Keys go from the least to the greatest value of their ranges. Trials that keep every constraint, those that do not
    or have runs without a value, and the best one are told apart. Raises InputError if no trial has a value.
    """
    valued = [trial for trial in found.trials if trial.objective.value is not None]
    if not valued:
        raise InputError(f"trials: no trial has {found.objective.metric}")
    keys = list(valued[0].point)
    axis = MetricAxis.of(found.objective.metric, (trial.objective.value for trial in valued))
    with new_figure(max(_LEAST_WIDTH, _LEFT + _PANEL * len(keys)), _HEIGHT) as figure:
        panels = figure.subplots(1, len(keys), sharey=True, squeeze=False)[0]
        for axes, key in zip(panels, keys, strict=True):
            _draw(axes, found, valued, key, axis)
        _scale(panels[0], found, valued, axis)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower left", ncols=3, fontsize=8, frameon=False)
        entitle(figure, _title(found, len(valued)))
    return panels[0]  # type: ignore[no-any-return]


def _title(found: Tuning, valued: int) -> str:
    limits = f" subject to {' and '.join(each.text for each in found.constraints)}" if found.constraints else ""
    without = len(found.trials) - valued
    left_out = f", {without} of them without a value" if without else ""
    trials = f"{counted(len(found.trials), 'trial')}{left_out}, {_runs(found)}"
    return f"{found.scenario.name}: least {found.objective.metric}{limits} ({trials})"


def _runs(found: Tuning) -> str:
    """Say of how many runs each trial is, and whether the best was run again."""
    runs = "one run each" if found.replications == 1 else f"{found.replications} runs each"
    return runs if found.best is None or found.confirmed else f"{runs}, and not run again: this may have been luck"


def _draw(axes: Axes, found: Tuning, trials: Sequence[Trial], key: str, axis: MetricAxis) -> None:
    kinds = (
        ([trial for trial in trials if trial.possible], "o", BLUE, 7, "keeps every constraint"),
        ([trial for trial in trials if not trial.possible], "x", DARK, 7, "not possible"),
        ([trial for trial in trials if _is_best(found, trial)], "*", ORANGE, 17, _best_label(found)),
    )
    for chosen, marker, colour, size, label in kinds:
        if chosen:
            _mark(axes, chosen, key, axis, marker, colour, size, label)
    _label_values(axes, trials, key)
    tidy(axes, key)


def _best_label(found: Tuning) -> str:
    return "the best, as confirmed by more runs" if found.confirmed else "the best so far, by luck or not"


def _is_best(found: Tuning, trial: Trial) -> bool:
    return found.best is not None and found.best.number == trial.number


def _mark(
    axes: Axes, trials: Sequence[Trial], key: str, axis: MetricAxis, marker: str, colour: str, size: int, label: str
) -> None:
    places = [trial.positions[key] for trial in trials]
    values = [(trial.objective.value or 0.0) * axis.per_base for trial in trials]
    axes.plot(
        places, values, marker, color=colour, markeredgecolor=DARK, markersize=size, linestyle="none", label=label
    )


def _label_values(axes: Axes, trials: Sequence[Trial], key: str) -> None:
    """Label the places of the trials nearest to the ends and thirds of the range."""
    nearest = (min(trials, key=lambda trial, at=at: abs(trial.positions[key] - at)) for at in _TICKS)  # type: ignore[misc]
    ticks = {trial.positions[key]: as_written(trial.point[key]) for trial in nearest}
    kept: dict[float, str] = {}
    for place, text in sorted(ticks.items()):
        if not kept or place - max(kept) > _APART:
            kept[place] = text
    axes.set_xlim(-0.05, 1.05)
    axes.set_xticks(list(kept), list(kept.values()), fontsize=TEXT)


def _scale(axes: Axes, found: Tuning, trials: Sequence[Trial], axis: MetricAxis) -> None:
    logarithmic = is_wide(trial.objective.value or 0.0 for trial in trials)
    if logarithmic:
        go_logarithmic(axes, "y")
    unit = f"{axis.unit}, logarithmic" if logarithmic else axis.unit
    tidy(axes, y=f"{found.objective.statistic} of {axis.name} ({unit})")
