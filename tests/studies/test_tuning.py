"""Searches whose answer is known."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from scenarios_for_tests import brief, minute

from vmfailover.errors import InputError
from vmfailover.records.metric_names import bound_name
from vmfailover.records.metric_values import Metrics
from vmfailover.report.tuning_table import print_tuning
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.objective import Constraint, Objective
from vmfailover.studies.ranges import Range
from vmfailover.studies.runs import StudyRun
from vmfailover.studies.tuning import FINALISTS, MOST_FINALISTS, Trial, Tuning, search, tune
from vmfailover.studies.tuning import _best_first as ranked
from vmfailover.studies.tuning import _confirmed as confirmed
from vmfailover.studies.tuning import _judged as judged

pytest.importorskip("optuna")
SCENARIO = minute(failures=[])
VARY = {"replication.checkpoint_interval": "60us:450us:log"}


def tuned(**options: Any) -> Tuning:
    defaults = {"trials": 10, "replications": 1, "confirmations": 4, "executor": InThisProcess()}
    return tune(SCENARIO, "guest.slowdown", VARY, **{**defaults, **options})


def bowl(points: Sequence[Mapping[str, str]], numbers: range) -> list[list[StudyRun]]:
    """A metric that is least where the key is 4, with noise that all points have in common in a replication."""
    made = []
    for point in points:
        place = float(point["a"])
        noises = [float(np.random.default_rng(number).normal(scale=0.3)) for number in numbers]
        values: list[Metrics] = [
            {"guest.slowdown": (place - 4) ** 2 + noise, "loss.work_ns": place} for noise in noises
        ]
        made.append([StudyRun("", number, number, value) for number, value in zip(numbers, values, strict=True)])
    return made


def best_of(constraints: Sequence[Constraint], trials: int = 60) -> float:
    ranges, objective = [Range.parse("a=0.0:10.0")], Objective.parse("guest.slowdown")
    found = list(search(bowl, ranges, objective, constraints, trials, 2, seed=1))
    assert len(found) == trials
    best = min((trial for trial in found if trial.possible), key=lambda trial: trial.objective.value or 0.0)
    return float(best.point["a"])


def test_the_least_of_a_noisy_bowl_is_found() -> None:
    assert best_of([]) == pytest.approx(4, abs=0.4)


def test_a_constraint_is_kept() -> None:
    assert 6 <= best_of([Constraint.parse("loss.work_ns.mean >= 6 ns")]) < 6.7


LATENCY = "failover.latency_ns"


def trial_of(*latencies: float | None, bounds: Sequence[float | None] = (), number: int = 0) -> Trial:
    values: list[Metrics] = [{LATENCY: each} for each in latencies]
    bounded: list[Metrics] = [{bound_name(LATENCY): each} for each in bounds]
    runs = [StudyRun("", n, n, each) for n, each in enumerate((*values, *bounded))]
    return Trial(number, {"a": "1"}, {"a": 0.0}, *judged(runs, Objective(LATENCY, "mean"), ()))


def test_a_point_after_which_most_vms_never_came_back_is_not_possible() -> None:
    assert trial_of(30e6, 30e6, 30e6).possible
    seldom = trial_of(20e6, None, None, None, None)
    assert (seldom.objective.value, seldom.without, seldom.possible) == (20e6, 4, False)
    assert trial_of(20e6, bounds=[50e6]).possible


def test_what_is_known_comes_before_what_is_known_from_below_only() -> None:
    bounded, known, partial = trial_of(bounds=[1e6], number=1), trial_of(5e6, number=2), trial_of(1e6, None, number=3)
    assert [each.number for each in ranked([bounded, partial, known])] == [2, 1]


def seldom_back(points: Sequence[Mapping[str, str]], numbers: range) -> list[list[StudyRun]]:
    """The lower the key, the sooner the VM is back, but below 5 only after the first failure."""
    made = []
    for point in points:
        place = float(point["a"])
        values: list[Metrics] = [{LATENCY: place if place >= 5 or n == 0 else None} for n in numbers]
        made.append([StudyRun("", n, n, each) for n, each in zip(numbers, values, strict=True)])
    return made


def test_a_search_is_not_led_to_where_the_vm_seldom_comes_back() -> None:
    found = list(search(seldom_back, [Range.parse("a=0.0:10.0")], Objective(LATENCY, "mean"), [], 60, 5, seed=1))
    possible = [float(trial.point["a"]) for trial in found if trial.possible]
    assert 5 <= min(possible) < 5.5
    assert sum(float(trial.point["a"]) < 5 for trial in found) < len(possible)


def test_runs_without_a_value_are_told_if_nothing_is_possible() -> None:
    seldom = trial_of(20e6, None, None, None, None)
    found = Tuning(SCENARIO, Objective(LATENCY, "mean"), (), (seldom,), (), (), replications=5)
    console = Console(file=io.StringIO(), width=120)
    print_tuning(found, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "No value keeps the constraints with failover.latency_ns known in every run: 1 trial, 0 possible" in text
    assert "failover.latency_ns: not known in 4 of 5 runs" in text


def at_place(number: int) -> Trial:
    return replace(trial_of(float(number), number=number), point={"a": str(number)})


def confirmed_of(candidates: int, least: float) -> list[Trial]:
    """Run again trials whose metric is where they are, of which only those from `least` on keep the limit."""
    limit = Constraint.parse(f"loss.work_ns.mean >= {least} ns")
    chosen = [at_place(number) for number in range(candidates)]
    pairs = confirmed(bowl, chosen, Objective.parse("guest.slowdown"), [limit], range(2))
    return [trial for trial, _ in pairs]


def test_the_next_best_trials_are_run_again_until_one_is_confirmed() -> None:
    assert [trial.possible for trial in confirmed_of(30, 0)] == [True] * FINALISTS
    assert [trial.possible for trial in confirmed_of(30, 7)] == [False] * 7 + [True]
    assert len(confirmed_of(10, 100)) == 10
    assert len(confirmed_of(30, 100)) == MOST_FINALISTS


def printed(found: Tuning) -> str:
    console = Console(file=io.StringIO(), width=120)
    print_tuning(found, console)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def test_finalists_that_were_not_confirmed_are_listed_with_what_failed() -> None:
    limit = Constraint.parse("loss.work_ns.mean >= 2 ns")
    again = replace(at_place(1), excess=(0.5,))
    trials = tuple(map(at_place, range(1, 4)))
    found = Tuning(SCENARIO, Objective(LATENCY, "mean"), (limit,), trials, (), (), refuted=(again,))
    text = printed(found)
    assert "No finalist was confirmed: 3 trials, 3 possible" in text
    assert "1 of 3 possible trials were run again" in text
    assert "a = 1: loss.work_ns.mean >= 2 ns: beyond the limit by 50.0%" in text
    assert found.to_dict()["refuted"][0]["number"] == 1
    best = replace(at_place(3), point={"link.latency": "5 us"}, positions={"link.latency": 0.0})
    assert "a = 1: loss.work_ns" in printed(replace(found, finalists=(best,), worse=(False,)))


def test_an_invariant_that_breaks_only_when_a_finalist_is_run_again_counts() -> None:
    broken = replace(at_place(1), error="broken: one active VM", broken=True)
    found = Tuning(SCENARIO, Objective(LATENCY, "mean"), (), (at_place(1),), (), (), refuted=(broken,))
    assert not found.consistent
    assert "broken" not in found.to_dict()["refuted"][0]


def test_the_text_of_an_error_breaks_no_invariant() -> None:
    failed = replace(at_place(1), error="broken pipe")
    assert Tuning(SCENARIO, Objective(LATENCY, "mean"), (), (failed,), (), ()).consistent


def test_too_little_time_before_the_end_is_told_of_the_best() -> None:
    near = brief(failures=[{"at": "2200 us", "kind": "host-crash", "target": "primary"}], duration="2300 us")
    best = replace(trial_of(1e6), point={"link.latency": "5 us"}, positions={"link.latency": 0.0})
    found = Tuning(near, Objective(LATENCY, "mean"), (), (), (best,), (False,))
    console = Console(file=io.StringIO(), width=200)
    print_tuning(found, console)
    assert "replications move the failures by up to 100 µs" in console.file.getvalue()  # type: ignore[attr-defined]


def test_the_longest_interval_costs_the_guest_least() -> None:
    found = tuned()
    assert found.best is not None
    assert found.best.positions["replication.checkpoint_interval"] > 0.7
    assert found.best.objective.n == 4
    assert found.best.objective.low is not None
    assert found.worse[0] is False
    assert found.alike().keys() == VARY.keys()


@pytest.mark.slow
def test_the_same_seed_finds_the_same() -> None:
    assert tuned(trials=8).to_json() == tuned(trials=8).to_json()


@pytest.mark.slow
def test_limits_bind() -> None:
    free, bound = tuned(), tuned(subject_to=["checkpoint.period_mean_ns < 200 us"])
    assert bound.best is not None
    assert free.best is not None
    key = "replication.checkpoint_interval"
    assert bound.best.positions[key] < free.best.positions[key]


def test_what_cannot_be_met_is_told() -> None:
    found = tuned(subject_to=["checkpoint.period_mean_ns < 1 us"])
    assert found.best is None
    assert all(trial.excess[0] > 1 for trial in found.trials)
    assert found.alike() == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"subject_to": ["guest.slowdown"]}, "subject_to: "),
        ({"subject_to": ["no.such < 3"]}, "subject_to: "),
        ({"subject_to": ["failover.latency_ns < 3"]}, "subject_to: "),
    ],
)
def test_bad_constraints_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        tuned(**options)


def test_bad_objectives_and_ranges_are_refused() -> None:
    with pytest.raises(InputError, match="minimize: "):
        tune(SCENARIO, "guest.slow", VARY, executor=InThisProcess())
    with pytest.raises(InputError, match="at least one"):
        tune(SCENARIO, "guest.slowdown", {}, executor=InThisProcess())
    with pytest.raises(InputError, match="longer than the run"):
        tune(SCENARIO, "guest.slowdown", {"checkpoint_interval": "60us:1s"}, executor=InThisProcess())
