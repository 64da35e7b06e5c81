"""What a search has found, for a terminal."""

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from vmfailover.report.metric_quantity import quantity
from vmfailover.report.parts import new_table, print_parts
from vmfailover.results.quantities import counted
from vmfailover.studies.runs import end_remark
from vmfailover.studies.tuning import MOST_FINALISTS, Trial, Tuning


def print_tuning(found: Tuning, console: Console) -> None:
    """Print the best values, how sure they are, and what was tried."""
    print_parts(_parts(found), console)


def _parts(found: Tuning) -> Iterator[RenderableType]:
    tried = f"{counted(len(found.trials), 'trial')}, {sum(trial.possible for trial in found.trials)} possible"
    if found.best is None:
        yield Text(f"{_nothing(found)}: {tried}{_end(found)}", style="bold red")
        yield Text("\n".join(_unconfirmed(found) if found.refuted else _closest(found)))
        return
    yield Text(f"{_name(found)} is least at", style="bold")
    yield Text("\n".join(f"  {key} = {value}" for key, value in found.best.point.items()))
    yield _table(found)
    yield Text("\n".join(_notes(found, tried)))


def _nothing(found: Tuning) -> str:
    """Say why there is no best value."""
    if found.refuted:
        return "No finalist was confirmed"
    if any(trial.without for trial in found.trials if not trial.error):
        return f"No value keeps the constraints with {found.objective.metric} known in every run"
    return "No value keeps the constraints"


def _name(found: Tuning) -> str:
    return f"{found.objective.statistic} of {found.objective.metric}"


def _table(found: Tuning) -> Table:
    table = new_table(2)
    for key in found.finalists[0].point:
        table.add_column(key.rpartition(".")[2], justify="right")
    table.add_column(found.objective.metric.removesuffix("_ns"), justify="right")
    table.add_column("95 % confidence", justify="right")
    table.add_column("")
    for trial, worse in zip(found.finalists, found.worse, strict=True):
        verdict = "best" if trial is found.best else "certainly worse" if worse else "no worse than by chance"
        table.add_row(*trial.point.values(), _mean(found, trial), _interval(found, trial), verdict)
    return table


def _value(found: Tuning, value: float | None) -> str:
    return quantity(found.objective.metric, value)


def _mean(found: Tuning, trial: Trial) -> str:
    return f"{'≥ ' if trial.objective.at_least else ''}{_value(found, trial.objective.value)}"


def _interval(found: Tuning, trial: Trial) -> str:
    bounds = (trial.objective.low, trial.objective.high)
    return " … ".join("–" if bound is None else _value(found, bound) for bound in bounds)


def _notes(found: Tuning, tried: str) -> Iterator[str]:
    yield ""
    best = found.best
    assert best is not None
    for key, (low, high) in found.alike().items():
        if low != high:
            yield f"{key}: {low} to {high} are alike, as far as {best.objective.n} replications tell"
    if remark := end_remark(found.scenario.with_(**best.point)):
        yield remark
    again = f"the finalists were run again {best.objective.n} times, with other random numbers than in the search"
    if not found.confirmed:
        again = "the best were not run again with other random numbers: this may have been luck"
    yield f"{tried}{_end(found)}, {counted(found.replications, 'run')} each; {again}"
    yield from _refuted(found)


def _refuted(found: Tuning) -> Iterator[str]:
    """List the trials that did not keep the constraints when they were run again, and what failed."""
    if found.refuted:
        yield "not confirmed when run again, with what failed then:"
    for trial in found.refuted:
        yield f"  {_point(trial)}: {'; '.join(_failed(found, trial))}"


def _unconfirmed(found: Tuning) -> Iterator[str]:
    """Say how many finalists were run again, and what became of them."""
    possible, again = sum(trial.possible for trial in found.trials), len(found.refuted)
    bound = f", of which {MOST_FINALISTS} at most are" if possible > again == MOST_FINALISTS else ""
    yield f"{again} of {possible} possible trials were run again, with other random numbers{bound}"
    yield from _refuted(found)
    yield "values further inside the limits may be confirmed: narrow --vary, or raise --replications"


def _end(found: Tuning) -> str:
    return ", then INTERRUPTED" if found.interrupted else ""


def _closest(found: Tuning) -> Iterator[str]:
    """Say which point came closest, or why none could be run."""
    run = [trial for trial in found.trials if not trial.error]
    if not run:
        yield f"none could be run: {found.trials[0].error}"
        return
    closest = min(run, key=lambda trial: (trial.without, max(trial.excess, default=0.0)))
    yield f"closest: {_point(closest)}"
    yield from (f"  {line}" for line in _failed(found, closest))


def _point(trial: Trial) -> str:
    return ", ".join(f"{key} = {value}" for key, value in trial.point.items())


def _failed(found: Tuning, trial: Trial) -> Iterator[str]:
    """Yield what stands against a trial."""
    if trial.error:
        yield trial.error
    if trial.without:
        runs = counted(trial.objective.n + trial.without, "run")
        yield f"{found.objective.metric}: not known in {trial.without} of {runs}"
    for constraint, excess in zip(found.constraints, trial.excess, strict=True):
        if excess > 0:
            yield f"{constraint.text}: beyond the limit by {excess:.1%}"
