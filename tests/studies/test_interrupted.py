"""Studies that the user interrupts return what is finished."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from io import StringIO
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pytest
from interruptions import after, living, signal_after
from marks import mostly_slow
from rich.console import Console
from scenarios_for_tests import minute

from vmfailover.audit.judge import Judge
from vmfailover.report.comparison_table import print_comparison
from vmfailover.report.exploration_table import print_exploration
from vmfailover.report.replications_table import print_replications
from vmfailover.report.sweep_table import print_sweep
from vmfailover.report.tuning_table import print_tuning
from vmfailover.studies.availability import availability
from vmfailover.studies.comparison import Comparison, compare
from vmfailover.studies.comparison_export import export_comparison
from vmfailover.studies.executors import InThisProcess, local_processes
from vmfailover.studies.exploration import BATCH, explore
from vmfailover.studies.regression import check
from vmfailover.studies.replication import replicate
from vmfailover.studies.runs import replica
from vmfailover.studies.sensitivity import sensitivity
from vmfailover.studies.sweep import sweep
from vmfailover.studies.tuning import BATCH as TRIALS
from vmfailover.studies.tuning import Tuning, tune

SCENARIO = minute(failures=[])
FAILING = minute()
POINTS = {"replication.checkpoint_interval": "80us:300us:12"}
VARY = {"replication.checkpoint_interval": "60us:450us:log"}
#: Long enough for a study of many runs, seconds.
PATIENCE = 120


def printed(show: Callable[[Any, Console], None], found: Any) -> str:
    console = Console(width=200, highlight=False, record=True, file=StringIO())
    show(found, console)
    return console.export_text()


def test_a_sweep_has_the_rows_of_the_points_that_are_finished(tmp_path: Path) -> None:
    found = sweep(SCENARIO, POINTS, replications=1, executor=InThisProcess(), progress=after(5), out=tmp_path)
    assert found.interrupted
    assert list(found.frame["point"]) == list(range(5))
    assert len(list(tmp_path.glob("*.parquet"))) == 5
    assert len(json.loads(found.to_json())["points"]) == 5
    assert found.to_dict()["interrupted"] is True
    assert "5 points; one run each: chance cannot be told from cause\nINTERRUPTED: the sweep has 12 points" in printed(
        print_sweep, found
    )
    whole = sweep(SCENARIO, POINTS, replications=1, executor=InThisProcess(), out=tmp_path)
    assert len(whole.frame) == 12
    assert not whole.interrupted
    assert "interrupted" not in whole.to_dict()


def test_a_sweep_may_be_interrupted_before_its_first_point() -> None:
    found = sweep(SCENARIO, POINTS, replications=1, executor=InThisProcess(), progress=after(0))
    assert found.interrupted
    assert found.frame.empty
    assert "guest.slowdown" in found.frame
    assert "no points" in printed(print_sweep, found)


def test_one_process_keeps_each_point_as_soon_as_it_is_done(tmp_path: Path) -> None:
    there: list[int] = []
    sweep(
        SCENARIO,
        POINTS,
        replications=1,
        jobs=1,
        out=tmp_path,
        progress=lambda *_: there.append(len(list(tmp_path.glob("*.parquet")))),
    )
    assert there == list(range(13))


@pytest.mark.parametrize("finished", [0, 4, 13])
def test_replications_are_those_that_are_finished(finished: int) -> None:
    found = replicate(SCENARIO, 25, executor=InThisProcess(), progress=after(max(1, finished)))
    if finished == 0:
        found = replicate(SCENARIO, 25, executor=_Interrupted())
    assert found.interrupted
    assert [run.replication for run in found.runs] == list(range(finished))
    assert found.stop_reason == "interrupted"
    assert found.estimate("guest.slowdown").n == finished
    assert list(found.frame["replication"]) == list(range(finished))
    assert found.to_dict()["interrupted"] is True
    assert "Stopped: interrupted." in printed(print_replications, found)


class _Interrupted(InThisProcess):
    """The user interrupts whatever is to be executed."""

    def submit(self, *_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt


def compared(finished: int) -> Comparison:
    columns = {name: SCENARIO.with_(**{"replication.protocol": name}) for name in ("cacheline-flags", "cold-restart")}
    return compare(columns, replications=3, executor=InThisProcess(), progress=after(finished))


def test_a_comparison_has_columns_without_runs(tmp_path: Path) -> None:
    found = compared(2)
    assert found.interrupted
    assert [run.label for run in found.runs] == ["cacheline-flags"] * 2
    assert found.statistic("cacheline-flags", "guest.slowdown").n == 2
    assert found.statistic("cold-restart", "guest.slowdown").n == 0
    assert found.difference("cold-restart", "guest.slowdown").n == 0
    told = printed(print_comparison, found)
    assert "INTERRUPTED: of 3 replications there are 2 of cacheline-flags, 0 of cold-restart" in told
    assert "the others ended otherwise" not in told
    export_comparison(found, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "comparison.json").read_text())["interrupted"] is True


def test_a_comparison_pairs_the_replications_that_both_have() -> None:
    found = compared(5)
    assert found.difference("cold-restart", "guest.slowdown").n == 2
    whole = compared(7)
    assert not whole.interrupted
    ours, theirs = whole.values("cold-restart", "guest.slowdown"), whole.values("cacheline-flags", "guest.slowdown")
    mean = sum(float(own or 0) - float(base or 0) for own, base in zip(ours[:2], theirs[:2], strict=True)) / 2
    assert found.difference("cold-restart", "guest.slowdown").mean == pytest.approx(mean)


@pytest.mark.slow
def test_an_exploration_has_the_runs_that_are_finished_and_goes_on(tmp_path: Path) -> None:
    found = explore(FAILING, epochs=2, executor=InThisProcess(), out=tmp_path, progress=after(2 * BATCH))
    assert found.interrupted
    assert len(found.results) == 2 * BATCH
    assert found.to_dict()["interrupted"] is True
    assert "INTERRUPTED: there would have been more runs than these.\n16 runs," in printed(print_exploration, found)
    told: list[int] = []
    whole = explore(
        FAILING, epochs=2, executor=InThisProcess(), out=tmp_path, progress=lambda *done: told.append(done[0])
    )
    assert not whole.interrupted
    assert told[0] == 3 * BATCH
    assert whole.results[: 2 * BATCH] == found.results


def tuned(progress: Any) -> Tuning:
    pool = InThisProcess()
    return tune(SCENARIO, "guest.slowdown", VARY, trials=16, replications=2, executor=pool, progress=progress)


def test_tuning_returns_the_best_so_far() -> None:
    pytest.importorskip("optuna")
    found = tuned(after(TRIALS))
    assert found.interrupted
    assert len(found.trials) == TRIALS
    assert found.best is not None
    assert found.best.objective.value == min(trial.objective.value or 1.0 for trial in found.trials)
    assert not found.confirmed
    assert found.to_dict()["interrupted"] is True
    assert "8 possible, then INTERRUPTED, 2 runs each; the best were not run again" in printed(print_tuning, found)


class _InterruptedLater(InThisProcess):
    """The user interrupts after some calls."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def submit(self, *call: Any, **options: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().submit(*call, **options)


@pytest.mark.parametrize(
    ("runs", "trials", "finalists"),
    mostly_slow([(5, 2, 1), (16 + 4, 8, 1), (16 + 7, 8, 2), (16 + 9, 8, 3)], (5, 2, 1), (16 + 7, 8, 2)),
)
def test_tuning_keeps_each_trial_and_finalist_that_is_finished(runs: int, trials: int, finalists: int) -> None:
    pytest.importorskip("optuna")
    pool = _InterruptedLater(runs)
    found = tune(SCENARIO, "guest.slowdown", VARY, trials=8, replications=2, confirmations=3, executor=pool)
    assert found.interrupted
    assert (len(found.trials), len(found.finalists)) == (trials, finalists)
    assert found.confirmed == (runs >= 16 + 3)


def test_tuning_without_a_trial_is_interrupted() -> None:
    pytest.importorskip("optuna")
    with pytest.raises(KeyboardInterrupt):
        tune(SCENARIO, "guest.slowdown", VARY, trials=8, replications=2, executor=_InterruptedLater(1))


def test_what_means_nothing_by_halves_is_interrupted() -> None:
    with pytest.raises(KeyboardInterrupt):
        check(
            [SCENARIO, FAILING.with_(name="failing")],
            replications=2,
            invariants_only=True,
            executor=_InterruptedLater(3),
        )
    with pytest.raises(KeyboardInterrupt):
        availability(FAILING, failovers=3, executor=_InterruptedLater(2))
    pytest.importorskip("SALib")
    two = {**VARY, "link.latency": "1us:20us"}
    with pytest.raises(KeyboardInterrupt):
        sensitivity(SCENARIO, "guest.slowdown", two, executor=InThisProcess(), progress=after(3))


def test_a_run_that_is_interrupted_is_not_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the third run is made, which notes it and stops early."""
    audited: list[Any] = []

    def audit(cluster: Any) -> Judge:
        audited.append(cluster)
        if len(audited) == 3:
            cluster.env.process(interrupt(cluster.env))
        return Judge(cluster)

    def interrupt(env: Any) -> Any:
        yield env.timeout(100_000)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("vmfailover.simulation.Judge", audit)
    found = replicate(SCENARIO, 6, executor=InThisProcess())
    assert found.interrupted
    assert len(found.runs) == 2


@pytest.mark.slow
def test_processes_are_not_waited_for_and_none_is_left() -> None:
    long = minute(failures=[]).with_(duration="400 s")
    scenarios = {"short": SCENARIO, "long": long, "longer": replica(long, 1)}
    with local_processes(2) as pool:
        began = time.monotonic()
        found = compare(scenarios, replications=1, executor=pool, progress=signal_after(1))
    assert [run.label for run in found.runs] == ["short"]
    assert found.interrupted
    assert time.monotonic() - began < PATIENCE
    assert not active_children()


SCRIPT = """
import sys
from multiprocessing import active_children
from scenarios_for_tests import minute
import vmfailover as vf
found = vf.sweep(
    minute(failures=[]), {"replication.checkpoint_interval": "60us:400us:1000"}, replications=1, jobs=int(sys.argv[1]),
    progress=lambda *done: print("done", *done, flush=True),
)
print("rows", len(found.frame), found.interrupted, len(active_children()), flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("to_all", [True, False])
def test_ctrl_c_in_a_terminal_returns_the_rows(jobs: int, to_all: bool) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(jobs)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    while process.stdout.readline() != "done 5 1000\n":
        assert process.poll() is None
    (os.killpg if to_all else os.kill)(process.pid, signal.SIGINT)
    told, errors = process.communicate(timeout=PATIENCE)
    last = told.splitlines()[-1].split()
    assert (last[0], *last[2:]) == ("rows", "True", "0")
    assert 5 <= int(last[1]) < 1000
    assert errors == ""
    assert process.returncode == 0
    ended = time.monotonic() + PATIENCE
    while living(process.pid):
        assert time.monotonic() < ended
        time.sleep(0.01)
