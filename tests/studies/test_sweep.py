"""Sweeps: every point once, whatever happens meanwhile."""

import os
import signal
import time
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pandas as pd
import pytest
from interruptions import after
from marks import mostly_slow
from scenarios_for_tests import minute

from vmfailover.errors import InputError
from vmfailover.files.whole_file import UNFINISHED
from vmfailover.records.metric_values import Metrics
from vmfailover.scenario import ScenarioError
from vmfailover.simulation import run
from vmfailover.studies import executors
from vmfailover.studies.averages import averages
from vmfailover.studies.executors import InThisProcess, dask_workers
from vmfailover.studies.sweep import REPLICATIONS, Sweep, sweep
from vmfailover.studies.sweep_reading import read_sweep
from vmfailover.studies.sweep_store import ABOUT

SCENARIO = minute(failures=[])
KEYS = {
    "replication.checkpoint_interval": "80us:300us:3:log",
    "replication.protocol": "cacheline-flags,page-dirty-bits",
}


def swept(**options: Any) -> Sweep:
    return sweep(SCENARIO, KEYS, **{"replications": 1, "executor": InThisProcess(), **options})


def test_a_row_has_the_keys_and_metrics_of_its_point() -> None:
    frame = swept().frame
    assert list(frame["point"]) == list(range(6))
    assert list(frame["replication.checkpoint_interval"].unique()) == [80_000, 154_900, 300_000]
    alone = run(SCENARIO.with_(checkpoint_interval="154900 ns", protocol="page-dirty-bits"))
    row = frame.iloc[3]
    assert row["replication.protocol"] == "page-dirty-bits"
    for metric in ("guest.slowdown", "checkpoint.count", "replication.bytes"):
        assert row[metric] == alone.values[metric]
    assert row["image.consistent"]


def test_replications_give_means_with_their_intervals() -> None:
    frame = swept(replications=3).frame
    assert (frame["guest.slowdown.half_width"] > 0).all()
    assert swept().frame["guest.slowdown.half_width"].isna().all()


def test_a_point_is_more_than_a_single_draw_unless_one_is_asked_for() -> None:
    found = sweep(SCENARIO, {"checkpoint_interval": "100us"}, executor=InThisProcess())
    assert found.replications == found.to_dict()["replications"] == REPLICATIONS > 2
    assert (found.frame["guest.slowdown.half_width"] > 0).all()


def test_a_point_of_which_a_run_was_cut_off_has_a_lower_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    metric, bound = "client.latency_p99_ns", "client.latency_p99_at_least_ns"
    monkeypatch.setattr("vmfailover.studies.averages.MEASURED", (metric, bound))
    seen: Metrics = {metric: 4.0, bound: None}
    cut: Metrics = {metric: None, bound: 8.0}
    assert averages([seen, cut]) == {
        metric: None,
        f"{metric}.half_width": None,
        bound: 6.0,
        f"{bound}.half_width": None,
        f"{metric}.n": 2,
    }
    assert averages([seen, seen, {}])[f"{metric}.n"] == 2
    assert averages([seen, seen])[metric] == 4.0
    assert averages([seen, seen])[bound] is None


def test_the_folder_is_a_dataset_that_pandas_reads(tmp_path: Path) -> None:
    found = swept(out=tmp_path)
    read = pd.read_parquet(tmp_path).sort_values("point", ignore_index=True)
    pd.testing.assert_frame_equal(read, found.frame)
    assert len(list(tmp_path.glob("*.parquet"))) == 6


def test_points_that_are_there_are_not_run_again(tmp_path: Path) -> None:
    first = swept(out=tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.parquet")}
    lost = sorted(kept)[2]
    lost.unlink()
    (tmp_path / f"{UNFINISHED}a1").write_bytes(b"half")
    again = swept(out=tmp_path)
    pd.testing.assert_frame_equal(again.frame, first.frame)
    assert [path for path, written in kept.items() if path.stat().st_mtime_ns != written] == [lost]
    assert not list(tmp_path.glob(".*"))


def test_another_sweep_does_not_go_on_with_it(tmp_path: Path) -> None:
    swept(out=tmp_path)
    with pytest.raises(InputError, match="of another sweep or version"):
        sweep(SCENARIO.with_(seed=2), KEYS, executor=InThisProcess(), out=tmp_path)
    (tmp_path / ABOUT).unlink()
    with pytest.raises(InputError, match="not empty"):
        swept(out=tmp_path)


INTERVAL = "replication.checkpoint_interval"


class Counting(InThisProcess):
    """Says how many replications it was given."""

    def __init__(self) -> None:
        self.replications = 0

    def submit(self, call: Any, /, *args: Any, **options: Any) -> Any:
        self.replications += args[0].last - args[0].first
        return super().submit(call, *args, **options)


class Losing(InThisProcess):
    """Loses one point, as a worker does that the operating system kills for want of memory."""

    def __init__(self, number: int, error: Exception) -> None:
        self.number, self.error = number, error

    def submit(self, call: Any, /, *args: Any, **options: Any) -> Any:
        if args[0].number != self.number:
            return super().submit(call, *args, **options)
        lost: Future[Any] = Future()
        lost.set_exception(self.error)
        return lost


def rows(found: Sweep) -> pd.DataFrame:
    """The rows of a sweep in order of its keys, whatever numbers its points have."""
    return found.frame.drop(columns="point").sort_values(list(found.keys), ignore_index=True)


@pytest.mark.parametrize(
    ("keys", "options", "made"),
    [
        ({INTERVAL: "80us,100us,120us"}, {}, 1),
        ({INTERVAL: "100us,120us", "link.latency": "20us,50us"}, {}, 2),
        *mostly_slow(
            [
                ({INTERVAL: "200us,120us,100us"}, {}, 1),
                ({INTERVAL: "100us,120us", "replication.protocol": "cacheline-flags,page-dirty-bits"}, {}, 2),
                ({INTERVAL: "100us,120us"}, {"replications": 3}, 4),
                ({INTERVAL: "100us,120us,2s"}, {"replications": 2}, 2 + 2),
            ]
        ),
    ],
)
def test_a_sweep_grows(tmp_path: Path, keys: dict[str, str], options: dict[str, Any], made: int) -> None:
    options = {"replications": 1, **options}
    base = SCENARIO.with_(**{"link.latency": "20 us"})
    sweep(base, {INTERVAL: "100us,120us"}, out=tmp_path, executor=InThisProcess(), replications=1)
    kept = [row.read_bytes() for row in sorted(tmp_path.glob("point-*.parquet"))]
    counting = Counting()
    grown = sweep(base, keys, out=tmp_path, executor=counting, **options)
    assert counting.replications == made
    assert list(grown.frame["point"]) == list(range(len(grown.frame)))
    assert list(grown.frame[INTERVAL][:2]) == [100_000, 120_000]
    pd.testing.assert_frame_equal(rows(grown), rows(sweep(base, keys, executor=InThisProcess(), **options)))
    pd.testing.assert_frame_equal(rows(read_sweep(tmp_path)), rows(grown))
    pd.testing.assert_frame_equal(
        pd.read_parquet(tmp_path).sort_values("point", ignore_index=True), grown.frame, check_like=True
    )
    again = Counting()
    sweep(base, keys, out=tmp_path, executor=again, **options)
    assert again.replications == 0
    if keys.keys() == {INTERVAL} and options == {"replications": 1}:
        assert [row.read_bytes() for row in sorted(tmp_path.glob("point-*.parquet"))][:2] == kept


def test_fewer_replications_are_the_first_ones_and_the_others_are_kept(tmp_path: Path) -> None:
    keys = {INTERVAL: "100us,120us"}
    sweep(SCENARIO, keys, replications=3, out=tmp_path, executor=InThisProcess())
    counting = Counting()
    fewer = sweep(SCENARIO, keys, replications=2, out=tmp_path, executor=counting)
    more = sweep(SCENARIO, keys, replications=3, out=tmp_path, executor=counting)
    assert counting.replications == 0
    pd.testing.assert_frame_equal(fewer.frame, sweep(SCENARIO, keys, replications=2, executor=InThisProcess()).frame)
    pd.testing.assert_frame_equal(more.frame, sweep(SCENARIO, keys, replications=3, executor=InThisProcess()).frame)


@pytest.mark.slow
def test_a_sweep_that_is_interrupted_while_it_grows_goes_on(tmp_path: Path) -> None:
    larger = {INTERVAL: "100us,120us,150us", "link.latency": "2us,20us"}
    base = SCENARIO.with_(**{"link.latency": "2 us"})
    sweep(base, {INTERVAL: "100us,120us"}, replications=1, out=tmp_path, executor=InThisProcess())
    part = sweep(base, larger, replications=2, out=tmp_path, executor=InThisProcess(), progress=after(1))
    assert part.interrupted
    assert len(part.frame) == 1
    assert read_sweep(tmp_path).interrupted
    counting = Counting()
    grown = sweep(base, larger, replications=2, out=tmp_path, executor=counting)
    assert counting.replications == 1 + 4 * 2
    pd.testing.assert_frame_equal(rows(grown), rows(sweep(base, larger, replications=2, executor=InThisProcess())))


def test_a_sweep_does_not_grow_where_points_would_be_lost_or_are_others(tmp_path: Path) -> None:
    sweep(SCENARIO, {INTERVAL: "100us,120us"}, out=tmp_path, executor=InThisProcess())
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for keys in ({INTERVAL: "100us,200us"}, {INTERVAL: "100us,120us", "link.latency": "77us,78us"}):
        with pytest.raises(
            InputError, match=r"it has replication\.checkpoint_interval=1[02]0us, which this one has not"
        ):
            sweep(SCENARIO, keys, out=tmp_path, executor=InThisProcess())
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_a_key_is_without_being_written_is_each_point_s_own(tmp_path: Path) -> None:
    """The clock of a point is that of its preset, which is not the one of the scenario without the point."""
    preset, clock = "hosts.primary.preset", "hosts.primary.clock"
    sweep(SCENARIO, {preset: "power7,power8"}, out=tmp_path, executor=InThisProcess())
    clocks = [SCENARIO.with_(**{preset: name}).value(clock) for name in ("power7", "power8")]
    assert clocks[0] != clocks[1]
    only, both = ({preset: "power7,power8", clock: ",".join(f"{c} Hz" for c in each)} for each in (clocks[1:], clocks))
    with pytest.raises(InputError, match=r"it has hosts\.primary\.preset=power7, which this one has not"):
        sweep(SCENARIO, only, out=tmp_path, executor=InThisProcess())
    counting = Counting()
    sweep(SCENARIO, both, out=tmp_path, executor=counting)
    assert counting.replications == 2 * REPLICATIONS


def test_a_point_that_cannot_be_run_is_a_row_with_its_error() -> None:
    found = sweep(SCENARIO, {"checkpoint_interval": "100us,2s"}, executor=InThisProcess())
    assert found.failed == 1
    assert "longer than the run" in found.frame["error"][1]
    assert pd.isna(found.frame["guest.slowdown"][1])


@pytest.mark.parametrize("error", [MemoryError("no room"), BrokenProcessPool("killed")])
@pytest.mark.parametrize("before", mostly_slow([0, 2], 2))
def test_a_point_that_was_lost_is_tried_again(error: Exception, before: int, tmp_path: Path) -> None:
    """Also one that has some of its runs already; its error is a row until then, without values."""
    keys = {INTERVAL: "100us,120us,2s"}
    if before:
        sweep(SCENARIO, keys, replications=before, out=tmp_path, executor=InThisProcess())
    losing = sweep(SCENARIO, keys, replications=3, out=tmp_path, executor=Losing(1, error))
    assert [bool(text) for text in losing.frame["error"]] == [False, True, True]
    assert str(error) in losing.frame["error"][1]
    assert pd.isna(losing.frame["guest.slowdown"][1])
    pd.testing.assert_frame_equal(read_sweep(tmp_path).frame, losing.frame)
    counting = Counting()
    again = sweep(SCENARIO, keys, replications=3, out=tmp_path, executor=counting)
    assert counting.replications == 3 - before
    pd.testing.assert_frame_equal(again.frame, sweep(SCENARIO, keys, replications=3, executor=InThisProcess()).frame)


def test_a_point_that_was_lost_while_it_grew_still_has_what_it_had(tmp_path: Path) -> None:
    keys = {INTERVAL: "100us,120us"}
    two = sweep(SCENARIO, keys, replications=2, out=tmp_path, executor=InThisProcess()).frame
    sweep(SCENARIO, keys, replications=3, out=tmp_path, executor=Losing(1, MemoryError()))
    counting = Counting()
    pd.testing.assert_frame_equal(sweep(SCENARIO, keys, replications=2, out=tmp_path, executor=counting).frame, two)
    assert counting.replications == 0


def test_a_key_that_there_is_not_is_refused() -> None:
    with pytest.raises(ScenarioError, match="unknown key"):
        sweep(SCENARIO, {"checkpoint_intervall": "100us"}, executor=InThisProcess())


def test_a_value_that_reads_like_an_error_of_a_key_is_a_point_without_values() -> None:
    found = sweep(SCENARIO, {"seed": ["unknown key"]}, executor=InThisProcess())
    assert "'unknown key' is not a whole number" in found.frame["error"][0]


def test_random_numbers_are_common_to_all_points() -> None:
    frame = sweep(SCENARIO, {"link.latency": "2us,2us"}, design="zip", replications=2, executor=InThisProcess()).frame
    assert frame["guest.slowdown"].nunique() == 1
    assert frame["guest.slowdown.half_width"].nunique() == 1


def kill_a_worker_at(done_of: list[int], after: list[int]) -> None:
    """Kill one worker process of this one each time so many points are done."""
    for number in after:
        while done_of[0] < number:
            time.sleep(0.005)
        children = [int(text) for text in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]
        workers = [
            child for child in children if b"multiprocessing.spawn" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]
        if workers:
            os.kill(workers[0], signal.SIGKILL)


def many(points: int) -> dict[str, str]:
    return {"replication.checkpoint_interval": f"60us:400us:{points}"}


@pytest.mark.slow
def test_five_hundred_points_with_a_worker_killed_twice() -> None:
    done = [0]

    def progress(count: int, of: int) -> None:  # noqa: ARG001 - what a sweep calls
        done[0] = count

    undisturbed = sweep(SCENARIO, many(500), replications=1, jobs=2).frame
    killer = Thread(target=kill_a_worker_at, args=(done, [100, 300]))
    killer.start()
    disturbed = sweep(SCENARIO, many(500), replications=1, jobs=2, progress=progress).frame
    killer.join()
    assert len(disturbed) == 500
    pd.testing.assert_frame_equal(disturbed, undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("points", [500])
def test_five_hundred_points_on_dask_with_a_worker_killed_twice(points: int) -> None:
    distributed = pytest.importorskip("distributed")
    done = [0]
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:

        def progress(count: int, of: int) -> None:  # noqa: ARG001 - what a sweep calls
            done[0] = count
            if count in (points // 5, points // 2):
                worker = next(iter(cluster.workers.values()))
                os.kill(worker.pid, signal.SIGKILL)

        with dask_workers(cluster.scheduler_address, SCENARIO) as executor:
            disturbed = sweep(SCENARIO, many(points), replications=1, executor=executor, progress=progress).frame
    undisturbed = sweep(SCENARIO, many(points), replications=1, jobs=2).frame
    pd.testing.assert_frame_equal(disturbed, undisturbed)


def sweep_for_ever(folder: str) -> None:
    sweep(SCENARIO, many(60), replications=1, out=folder, executor=InThisProcess())


@pytest.mark.slow
def test_a_sweep_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    process = get_context("spawn").Process(target=sweep_for_ever, args=(str(tmp_path),))
    process.start()
    while len(list(tmp_path.glob("point-*.parquet"))) < 5:
        time.sleep(0.01)
    process.kill()
    process.join()
    whole = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("point-*.parquet")}
    found = sweep(SCENARIO, many(60), replications=1, out=tmp_path, executor=InThisProcess())
    assert len(found.frame) == 60
    assert all((tmp_path / name).stat().st_mtime_ns == written for name, written in whole.items())
    pd.testing.assert_frame_equal(
        found.frame, sweep(SCENARIO, many(60), replications=1, executor=InThisProcess()).frame
    )


def test_a_scheduler_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(executors, "PATIENCE", 1)
    with pytest.raises(InputError, match="no scheduler answers"), dask_workers("tcp://127.0.0.1:9", SCENARIO):
        pass


def test_a_part_of_a_sweep_has_its_points_and_the_other_keys() -> None:
    whole = swept()
    part = whole.where({"replication.protocol": "page-dirty-bits"})
    assert part.keys == ("replication.checkpoint_interval",)
    assert list(part.frame["point"]) == [0, 1, 2]
    assert list(part.frame["guest.slowdown"]) == list(whole.frame["guest.slowdown"][[1, 3, 5]])
    assert [point["replication.checkpoint_interval"] for point in part.texts] == ["80 us", "154900 ns", "300 us"]
    with pytest.raises(InputError, match="it is one of cacheline-flags, page-dirty-bits"):
        whole.where({"replication.protocol": "undo-log"})
    with pytest.raises(InputError, match=r"link\.latency='1us' is not in the sweep"):
        whole.where({"link.latency": "1us"})


def test_an_unfinished_sweep_has_parts_and_figures() -> None:
    found, whole = swept(progress=after(3)), swept()
    assert len(found.frame) == 3
    shown = [text.get_text() for text in found.plot.heat_map("guest.slowdown").texts]
    assert shown.count("–") == 3
    (line, _) = (each for each in found.plot.line("guest.slowdown").containers)
    assert np.isfinite(np.asarray(line[0].get_ydata(), float)).sum() == 2
    part = found.where({"replication.protocol": "page-dirty-bits"})
    assert part.interrupted
    assert list(part.frame["point"]) == [0]
    assert list(part.frame["guest.slowdown"]) == [whole.frame["guest.slowdown"][1]]
    assert len(part.texts) == 3
