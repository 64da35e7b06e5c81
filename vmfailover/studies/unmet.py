"""What scenarios expect of their runs, and what of that does not hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from vmfailover.scenario.expectation import Expectation
from vmfailover.studies.known import Known, known, known_statistic
from vmfailover.studies.runs import StudyRun


@dataclass(frozen=True, slots=True)
class Unmet:
    """An expectation of a scenario that does not hold, or that its runs do not show to hold."""

    metric: str
    expectation: str
    #: The value that is wrong, or a lower bound of it; None if there is none.
    value: float | None
    #: Whether the value is a lower bound.
    at_least: bool = False
    #: Whether a value that is no less than the bound could be as expected.
    open: bool = False
    #: Runs that have neither a value nor a bound.
    without: int = 0


def unmet(expect: Mapping[str, str], runs: Sequence[StudyRun]) -> Iterator[Unmet]:
    """Yield which expectations of a scenario some of its runs do not meet; runs that failed are left out.

    Every run has to have the metric. Where it has only a lower bound, every value from there on has to be as expected:
    what ended too early to be seen meets nothing by that.
    """
    complete = [run for run in runs if not run.error]
    for metric, text in expect.items():
        expectation = Expectation.parse(metric, text)
        found = [known(run.values, expectation.metric) for run in complete]
        there = [each for each in found if each is not None]
        if len(there) < len(found) or not there:
            yield Unmet(expectation.metric, text, None, without=len(found) - len(there))
        elif wrong := [each for each in _judged(there, expectation.statistic) if not _holds(expectation, each)]:
            yield _told(expectation, text, wrong)


def _judged(there: Sequence[Known], statistic: str | None) -> Sequence[Known]:
    """Return what has to be as expected: a statistic of the runs, or each of them."""
    if statistic is None:
        return there
    found = known_statistic(there, statistic)
    return [] if found is None else [found]


def _holds(expectation: Expectation, each: Known) -> bool:
    return expectation.holds_between(each.low, each.high)


def _told(expectation: Expectation, text: str, wrong: Sequence[Known]) -> Unmet:
    """Return the first that is certainly wrong, or the first that is not shown to be right."""
    certain = [each for each in wrong if not expectation.can_hold(each.low, each.high)]
    worst = (certain or wrong)[0]
    return Unmet(expectation.metric, text, worst.low, at_least=not worst.exact, open=not certain)
