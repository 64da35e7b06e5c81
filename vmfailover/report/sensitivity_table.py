"""Which keys move a metric, for a terminal."""

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.text import Text

from vmfailover.report.metric_quantity import quantity
from vmfailover.report.parts import new_table, print_parts
from vmfailover.results.quantities import counted, share
from vmfailover.studies.sensitivity import Effect, Sensitivity

#: Characters of the longest bar.
_WIDEST = 10
_TITLES = {"morris": ("mean step", "spread"), "sobol": ("total index", "first index")}
_NOTES = {
    "morris": "a step is two thirds of a range; a great spread means that keys act together or out of proportion",
    "sobol": "the total index is the share of the variance that a key has a part in, the first index what it has alone",
}


def print_sensitivity(found: Sensitivity, console: Console) -> None:
    """Print the keys, the one that moves the metric most first."""
    print_parts(_parts(found), console)


def _parts(found: Sensitivity) -> Iterator[RenderableType]:
    yield Text(f"What moves the {found.objective.statistic} of {found.objective.metric}", style="bold")
    table = new_table()
    table.add_column("key", no_wrap=True, min_width=max(len(effect.key) for effect in found.effects))
    for title in _TITLES[found.method]:
        table.add_column(title, justify="right")
    table.add_column("")
    greatest = max(effect.total for effect in found.effects) or 1.0
    for effect in found.effects:
        bar = "█" * round(_WIDEST * max(0.0, effect.total) / greatest)
        cells = (f"{_written(found, effect.total)} ±{_written(found, effect.total_half_width)}", _alone(found, effect))
        table.add_row(effect.key, *cells, bar, style="" if effect.certain() else "dim")
    yield table
    runs = f"{counted(len(found.runs), 'run')}{cut_off(found)}"
    yield Text(f"\n{runs}; {_NOTES[found.method]}; dim: no more than chance explains")


def cut_off(found: Sensitivity) -> str:
    """Return in how many runs a lower bound stands for the metric, if it does in any."""
    return f", of {found.bounded} of which only a lower bound is known, which stands for it" if found.bounded else ""


def _alone(found: Sensitivity, effect: Effect) -> str:
    return _written(found, effect.alone)


def _written(found: Sensitivity, number: float) -> str:
    return share(number) if found.method == "sobol" else quantity(found.objective.metric, number)
