"""`vmfailover trace fit`: what it prints, writes and refuses."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from studies.fit.guests import guest, hot_set, recorded

from vmfailover.cli.main import main
from vmfailover.cli.options import INTERRUPTED
from vmfailover.scenario.reading import document_of
from vmfailover.studies.fit import fit_trace, of_trace
from vmfailover.studies.fit.curve import GRANULARITIES
from vmfailover.studies.fit.least_squares import fitted_sets
from vmfailover.studies.fit.profile import workload_of
from vmfailover.traces.format import TraceMetadata, open_trace, write_trace

#: Two sets that are easily told apart, and what a trace of them is fitted to.
KNOWN = guest(hot_set(3e6, "256 KiB", burst="128 B"), hot_set(1e6, "4 MiB", burst="512 B"), instructions_per_access=3)
STORES = 100_000
RATES = ("--dirty-rate", "80MB/s over 10ms", "--in-use", "1 GiB")


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(KNOWN, STORES, tmp_path_factory.mktemp("traces") / "known.parquet")


def fit(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["trace", "fit", *map(str, arguments)])


def test_a_trace_is_fitted_and_its_points_are_told(trace: Path, tmp_path: Path) -> None:
    out = tmp_path / "W.yaml"
    done = fit(trace, "--out", out, "--json", "--ipc", "2", "--clock", "2 GHz")
    assert done.exit_code == 0
    points = json.loads(done.stdout)
    assert [(point["granularity"], point["stores"]) for point in points] == [
        (size, 1000 << k) for size in GRANULARITIES for k in range(7)
    ]
    for point in points:
        assert point["error"] == pytest.approx(point["fitted"] / point["recorded"] - 1)
        assert abs(point["error"]) < 0.03
    # 3 instructions a store, at 4 of them a nanosecond.
    assert points[0]["window_ns"] == pytest.approx(750, rel=0.01)
    assert "2 instructions a cycle and 2 GHz (ipc, clock)" in done.stderr
    written = workload_of(document_of(out).data)
    stores = sum(each.visits * each.burst / 64 * each.stores for each in written.sets)
    assert stores == pytest.approx(4e9 / 3, rel=0.01)


def test_recorded_time_goes_before_assumed_time(tmp_path: Path) -> None:
    path = recorded(KNOWN, 20_000, tmp_path / "timed.parquet", duration_ns=20_000_000)
    done = fit(path, "--out", tmp_path / "W.yaml", "--json")
    assert json.loads(done.stdout)[0]["window_ns"] == pytest.approx(1_000_000, rel=0.01)
    assert "as recorded" in done.stderr


def test_idle_time_is_time(tmp_path: Path) -> None:
    busy, idle = recorded(KNOWN, 20_000, tmp_path / "busy.parquet"), tmp_path / "idle.parquet"
    with_idle_time(busy, idle, 3 * open_trace(busy).metadata.instructions)
    done, out = fit(idle, "--clock", "1 GHz", "--out", tmp_path / "W.yaml", "--json"), tmp_path / "W.yaml"
    assert json.loads(done.stdout)[0]["window_ns"] == pytest.approx(4 * 3_000, rel=0.01)
    assert "idle time of 180 µs included" in done.stderr
    written = workload_of(document_of(out).data)
    assert sum(each.visits * each.burst / 64 * each.stores for each in written.sets) == pytest.approx(
        1e9 / 12, rel=0.01
    )


def with_idle_time(source: Path, target: Path, idle_ns: int) -> None:
    """Write a trace again, with so much idle time before its last record."""
    trace = open_trace(source)
    pieces = [piece._replace(idle_ns=np.zeros(piece.block.size, np.uint64)) for piece in trace.interleaved()]
    pieces[-1].idle_ns[-1] = idle_ns  # type: ignore[index]
    write_trace(target, pieces, trace.metadata, idle_time=True)


def test_the_table_has_a_row_a_window(trace: Path, tmp_path: Path) -> None:
    done = fit(trace, "--out", tmp_path / "W.yaml", "--holdout")
    assert done.exit_code == 0
    assert "judged by the other" in done.stdout
    rows = re.findall(r"^ *([0-9.]+ k) ", done.stdout, re.MULTILINE)
    assert rows == ["1.00 k", "2.00 k", "4.00 k", "8.00 k", "16.0 k", "32.0 k"]


def test_a_poor_fit_is_written_only_if_it_is_accepted(
    trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_trace, "fitted_sets", lambda curve: fitted_sets(curve)[:1])
    out = tmp_path / "W.yaml"
    refused = fit(trace, "--out", out)
    assert (refused.exit_code, out.exists()) == (1, False)
    assert refused.stderr.startswith(f"{out}: not written: the greatest error is ")
    assert fit(trace, "--out", out, "--accept").exit_code == 0
    assert out.exists()


def test_rates_say_what_they_leave_open(tmp_path: Path) -> None:
    out = tmp_path / "W.yaml"
    done = fit(*RATES, "--below", "high", "--out", out)
    assert done.exit_code == 0
    assert "these sets are at the upper end" in " ".join(done.stdout.split())
    assert document_of(out).data["fitted"]["below_it"] == "high"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Give one of TRACE, --dirty-rate, --qmp and --domstats."),
        (("TRACE", *RATES), "Give one of TRACE"),
        (("TRACE", "--in-use", "1 GiB"), "--in-use belongs to rates."),
        ((*RATES, "--holdout"), "--holdout belongs to a trace."),
        ((*RATES, "--clock", "1 GHz"), "--clock belongs to a trace."),
        (RATES[:2], "give --in-use"),
        (("--dirty-rate", "80MB", *RATES[2:]), "'80MB': "),
        (("--dirty-rate", "80MB/s over 1s", "--in-use", "4 MiB"), "--in-use 4 MiB: "),
        (("TRACE", "--ipc", "1000", "--clock", "100GHz"), "the fitted workload cannot be: sets.0.visits: "),
        (("--dirty-rate", "100TB/s over 10us", "--in-use", "1TiB"), "the fitted workload cannot be: sets.0.visits: "),
        (("--qmp", "nowhere.json", *RATES[2:]), "nowhere.json"),
        (("nowhere.parquet",), "nowhere.parquet: does not exist"),
    ],
)
def test_what_cannot_be_fitted_is_refused(trace: Path, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    out = tmp_path / "W.yaml"
    done = fit(*(trace if each == "TRACE" else each for each in arguments), "--out", out)
    assert (done.exit_code, out.exists()) == (2, False)
    assert words in done.stderr
    assert "Traceback" not in done.output


def test_vcpus_share_the_time_and_loads_are_those_of_the_trace(trace: Path, tmp_path: Path) -> None:
    pieces = [c._replace(vcpu=np.arange(c.vcpu.size, dtype=np.uint8) % 2) for c in open_trace(trace).interleaved()]
    write_trace(tmp_path / "two.parquet", pieces, TraceMetadata(memory_bytes=1 << 28, vcpus=2, source="two"))
    one, two = (fit_trace(path) for path in (trace, tmp_path / "two.parquet"))
    assert two.points[0].window_ns == pytest.approx(one.points[0].window_ns / 2)
    assert two.points[0].recorded == one.points[0].recorded
    assert {each["loads"] for each in one.workload["sets"]} == {0.0}
    loads = [c._replace(write=np.arange(c.write.size) % 4 == 0) for c in open_trace(trace).interleaved()]
    write_trace(tmp_path / "loads.parquet", loads, TraceMetadata(memory_bytes=1 << 28, vcpus=1, source="loads"))
    of_loads = fit_trace(tmp_path / "loads.parquet")
    assert [each["loads"] for each in of_loads.workload["sets"]] == pytest.approx(
        [3.0] * len(of_loads.workload["sets"]), rel=0.02
    )


def test_a_short_trace_is_refused_in_a_line(tmp_path: Path) -> None:
    path = recorded(KNOWN, 5_000, tmp_path / "short.parquet")
    done = fit(path, "--out", tmp_path / "W.yaml")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"{path}: has 5,000 stores and ")
    assert done.stderr.count("\n") == 1


def test_a_fit_that_is_interrupted_writes_nothing(trace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(of_trace, "observed_stream", interrupted)
    done = fit(trace, "--out", tmp_path / "W.yaml")
    assert done.exit_code == INTERRUPTED
    assert list(tmp_path.iterdir()) == []
