"""How every result is shown: in a notebook, as figures, and as the picture in its folder."""

from functools import singledispatch
from pathlib import Path
from typing import Any

from vmfailover.report import plots as figures
from vmfailover.report.availability_table import print_availability
from vmfailover.report.figures.comparison_bars import save_comparison
from vmfailover.report.figures.timeline import save_timeline
from vmfailover.report.fit_table import print_fit
from vmfailover.report.html import study_pages as pages
from vmfailover.report.html.as_printed import as_printed
from vmfailover.report.html.page import render_fragment
from vmfailover.report.html.run_page import run_fragment
from vmfailover.report.migration_table import print_migration
from vmfailover.report.sensitivity_table import print_sensitivity
from vmfailover.report.tuning_table import print_tuning
from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario
from vmfailover.studies.availability import Availability
from vmfailover.studies.comparison import Comparison
from vmfailover.studies.exploration import Exploration
from vmfailover.studies.fit import Fit
from vmfailover.studies.migration import Migration
from vmfailover.studies.regression import Check
from vmfailover.studies.replication import Replications
from vmfailover.studies.sensitivity import Sensitivity
from vmfailover.studies.sweep import Sweep
from vmfailover.studies.tuning import Tuning


@singledispatch
def html(shown: Any) -> str:
    """Return what a notebook shows of a result."""
    raise TypeError(f"nothing shows a {type(shown).__name__}")


html.register(Scenario, lambda shown: render_fragment(pages.scenario_page(shown)))
html.register(RunResult, lambda shown: render_fragment(run_fragment(shown)))
html.register(Replications, lambda shown: render_fragment(pages.replications_page(shown)))
html.register(Comparison, lambda shown: render_fragment(pages.comparison_page(shown)))
html.register(Sweep, lambda shown: render_fragment(pages.sweep_page(shown)))
html.register(Exploration, lambda shown: render_fragment(pages.exploration_page(shown)))
html.register(Check, lambda shown: render_fragment(pages.check_page(shown)))
html.register(Availability, lambda shown: as_printed(shown, print_availability))
html.register(Sensitivity, lambda shown: as_printed(shown, print_sensitivity))
html.register(Tuning, lambda shown: as_printed(shown, print_tuning))
html.register(Fit, lambda shown: as_printed(shown, print_fit))
html.register(Migration, lambda shown: as_printed(shown, print_migration))


@singledispatch
def plots(shown: Any) -> Any:
    """Return the figures that there are of a result, a method each."""
    raise TypeError(f"there are no figures of a {type(shown).__name__}")


plots.register(RunResult, figures.RunPlots)
plots.register(Replications, figures.ReplicationsPlots)
plots.register(Comparison, figures.ComparisonPlots)
plots.register(Sweep, lambda shown: figures.SweepPlots(shown.with_every_point()))
plots.register(Exploration, figures.ExplorationPlots)
plots.register(Sensitivity, figures.SensitivityPlots)
plots.register(Tuning, figures.TuningPlots)
plots.register(Fit, figures.FitPlots)
plots.register(Migration, figures.MigrationPlots)


@singledispatch
def save_picture(shown: Any, path: Path) -> None:
    """Write the picture that belongs into a result's folder; raise OSError if it cannot be written."""
    raise TypeError(f"no picture of a {type(shown).__name__} goes to {path}")


save_picture.register(RunResult, save_timeline)
save_picture.register(Comparison, save_comparison)
