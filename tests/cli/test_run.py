"""`vmfailover run`: what it prints, what it leaves behind, and its exit codes."""

import json
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from vmfailover.cli.main import main
from vmfailover.records.metric_names import METRICS
from vmfailover.results.export import FILES
from vmfailover.results.metrics import WALL_CLOCK
from vmfailover.scenario import load

from .conftest import ScenarioFile

COMMAND = [sys.executable, "-m", "vmfailover", "run"]
INVARIANTS = {
    "image",
    "output_commit",
    "one_active_vm",
    "nothing_lost_in_log",
    "dirty_lines_balance",
    "program",
}
#: What makes the proof fail: a replicator that forgets what devices write.
FORGETFUL = ("--set", "replication.hypervisor_writes=missed")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["run", *map(str, arguments)])


def without_wall_clock(text: str) -> dict[str, Any]:
    printed: dict[str, Any] = json.loads(text)
    for name in WALL_CLOCK:
        assert printed["metrics"].pop(name) >= 0
    return printed


def test_prints_a_summary(scenario_file: ScenarioFile) -> None:
    result = run(scenario_file())
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("base · seed 7 · cacheline-flags\nThe primary crashed at 6.30 ms; ")


def test_json_has_the_published_keys(scenario_file: ScenarioFile) -> None:
    path = scenario_file()
    result = run(path, "--json")
    printed = json.loads(result.stdout)
    assert (result.exit_code, result.stderr) == (0, "")
    assert list(printed) == ["schema_version", "vmfailover_version", "scenario", "seed", "metrics", "invariants"]
    assert printed["schema_version"] == 1
    assert printed["scenario"] == {"name": "base", "hash": load(path).hash}
    assert printed["seed"] == 7
    assert list(printed["metrics"]) == list(METRICS)
    assert set(printed["invariants"]) == INVARIANTS
    assert all(
        invariant == {"holds": True, "waived": False, "detail": ""} for invariant in printed["invariants"].values()
    )


@pytest.mark.slow
def test_json_is_the_same_twice_in_two_processes(scenario_file: ScenarioFile) -> None:
    command = [*COMMAND, str(scenario_file()), "--json"]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2))
    assert json.dumps(without_wall_clock(first)) == json.dumps(without_wall_clock(second))


def test_several_scenarios_make_a_list(scenario_file: ScenarioFile) -> None:
    result = run(scenario_file(), scenario_file("no-failure"), "--json")
    assert [printed["scenario"]["name"] for printed in json.loads(result.stdout)] == ["base", "no-failure"]


def test_overrides_and_seed(scenario_file: ScenarioFile) -> None:
    overrides = ["--set", "failures.0.at=7ms", "--set", "replication.checkpoint_interval=2ms", "--seed", "9"]
    result = run(scenario_file(), "--json", *overrides)
    printed = json.loads(result.stdout)
    assert printed["seed"] == 9
    assert printed["metrics"]["checkpoint.count"] == 3
    assert "The primary crashed at 7.00 ms" in run(scenario_file(), *overrides).stdout


def test_another_seed_gives_other_results(scenario_file: ScenarioFile) -> None:
    first, second = (without_wall_clock(run(scenario_file(), "--json", "--seed", seed).stdout) for seed in (1, 2))
    assert first["metrics"] != second["metrics"]


def test_an_unprotectable_guest_exits_with_1(scenario_file: ScenarioFile) -> None:
    result = run(scenario_file(), *FORGETFUL)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: base: invariant image is broken: ")
    assert re.search(r"image is broken: \d+ lines differ from what epoch \d+ left in them: 14336, 14337", result.stderr)
    assert "✗ image IS BROKEN" in result.stdout


def test_a_broken_invariant_is_in_the_json(scenario_file: ScenarioFile) -> None:
    result = run(scenario_file(), *FORGETFUL, "--json")
    printed = json.loads(result.stdout)
    assert result.exit_code == 1
    assert not printed["invariants"]["image"]["holds"]
    assert "lines differ from what epoch" in printed["invariants"]["image"]["detail"]
    assert printed["metrics"]["image.consistent"] is False
    assert printed["metrics"]["image.mismatched_lines"] > 0


def test_one_broken_run_of_several_exits_with_1(scenario_file: ScenarioFile) -> None:
    broken = scenario_file("no-clients", replication={"hypervisor_writes": "missed"})
    assert run(broken).exit_code == 0
    assert run(broken, scenario_file(replication={"hypervisor_writes": "missed"})).exit_code == 1


def test_out_has_all_files(scenario_file: ScenarioFile, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "out"
    result = run(scenario_file(), "--json", "--out", folder)
    assert result.exit_code == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert json.loads((folder / "summary.json").read_text()) == json.loads(result.stdout)
    metrics = json.loads(result.stdout)["metrics"]
    epochs, events = pd.read_parquet(folder / "epochs.parquet"), pd.read_parquet(folder / "events.parquet")
    assert (epochs["committed_ns"] >= 0).sum() == metrics["checkpoint.count"]
    assert epochs["lines"].sum() == metrics["replication.lines"]
    failure, takeover = (events.loc[events["kind"] == kind, "time_ns"].iloc[0] for kind in ("failure", "takeover"))
    assert takeover - failure == metrics["failover.latency_ns"]


@pytest.mark.slow
def test_out_is_the_same_twice(scenario_file: ScenarioFile, tmp_path: Path) -> None:
    for name in ("first", "second"):
        assert run(scenario_file(), "--out", tmp_path / name).exit_code == 0
    for name in FILES[1:]:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    first, second = ((tmp_path / name / FILES[0]).read_text() for name in ("first", "second"))
    assert json.dumps(without_wall_clock(first)) == json.dumps(without_wall_clock(second))


@pytest.mark.slow
def test_out_replaces_the_files_of_an_earlier_run(scenario_file: ScenarioFile, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    for seed in (1, 2):
        assert run(scenario_file(), "--out", folder, "--seed", seed).exit_code == 0
    assert json.loads((folder / "summary.json").read_text())["seed"] == 2
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "notes.txt"])


def test_several_scenarios_get_a_folder_each(scenario_file: ScenarioFile, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(scenario_file(), scenario_file("no-clients"), "--out", out).exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == ["base", "no-clients"]
    assert all(sorted(path.name for path in folder.iterdir()) == sorted(FILES) for folder in out.iterdir())


def test_scenarios_of_one_name_cannot_share_out(scenario_file: ScenarioFile, tmp_path: Path) -> None:
    path, out = scenario_file(), tmp_path / "out"
    result = run(path, path, "--out", out)
    assert result.exit_code == 2
    assert "'base' is the name of 2 scenarios; --out needs different ones" in result.stderr
    assert not out.exists()


def test_a_name_that_is_a_path_cannot_name_a_folder(scenario_file: ScenarioFile, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "out"
    result = run(scenario_file(name="../mine"), scenario_file("no-clients"), "--out", out)
    assert (result.exit_code, "'../mine' cannot name a folder of --out" in result.stderr) == (2, True)
    assert not out.parent.exists()


def test_out_that_is_a_file(scenario_file: ScenarioFile, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("mine")
    for given in (out, out / "below"):
        result = run(scenario_file(), "--out", given)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == f"{out}: is not a folder; give --out another one\n"
    assert out.read_text() == "mine"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder in which not even root can write")
def test_out_that_cannot_be_written_to(scenario_file: ScenarioFile) -> None:
    result = run(scenario_file(), "--out", "/proc/self/out")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("/proc/self: cannot be written to (")


@pytest.mark.slow
def test_a_disk_that_fills_up_leaves_nothing_half_written(scenario_file: ScenarioFile, tmp_path: Path) -> None:
    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    assert run(scenario_file()).exit_code == 0  # the kernel is compiled now, and kept
    folder = tmp_path / "out"
    command = [*COMMAND, str(scenario_file()), "--out", str(folder)]
    before = sorted(tmp_path.iterdir())
    process = subprocess.run(command, capture_output=True, text=True, preexec_fn=small_files_only)
    assert (process.returncode, process.stderr) == (2, f"error: {folder}: file too large\n")
    assert process.stdout.startswith("base · seed 7")
    assert sorted(tmp_path.iterdir()) == before


def test_perfetto(scenario_file: ScenarioFile, tmp_path: Path) -> None:
    path, trace = scenario_file(), tmp_path / "trace.json"
    result = run(path, "--perfetto", trace)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("base · seed 7")
    document = json.loads(trace.read_text())
    assert document["otherData"]["hash"] == load(path).hash
    assert {event["ph"] for event in document["traceEvents"]} == set("MXiCsfbe")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["base.yaml", "trace.json"]


@pytest.mark.slow
def test_perfetto_is_the_same_twice(scenario_file: ScenarioFile, tmp_path: Path) -> None:
    for name in ("first", "second"):
        subprocess.run([*COMMAND, str(scenario_file()), "--perfetto", str(tmp_path / name)], check=True)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["no-clients.yaml"], "shows a single run, not 2; give one scenario"),
        (["--replications", "2"], "shows a single run; leave out --replications and --until"),
        (["--until", "failover.latency_ns ±2 %"], "shows a single run; leave out --replications and --until"),
    ],
)
def test_perfetto_needs_a_single_run(
    scenario_file: ScenarioFile, tmp_path: Path, arguments: list[str], problem: str
) -> None:
    scenario_file("no-clients")
    given = [str(tmp_path / each) if each.endswith(".yaml") else each for each in arguments]
    result = run(scenario_file(), "--perfetto", tmp_path / "trace.json", *given)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"error: --perfetto: {problem}\n"
    assert not (tmp_path / "trace.json").exists()


def test_perfetto_that_cannot_be_written(scenario_file: ScenarioFile, tmp_path: Path) -> None:
    result = run(scenario_file(), "--perfetto", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == f"{tmp_path}: is a folder; give --perfetto a file\n"
    missing = tmp_path / "missing" / "trace.json"
    assert "give --perfetto another file" in run(scenario_file(), "--perfetto", missing).stderr
    assert not missing.parent.exists()


def test_max_memory(scenario_file: ScenarioFile) -> None:
    path = scenario_file(vm={"memory": "8 GiB"}, workload={"kind": "uniform", "working_set": "7 GiB"})
    result = run(path, "--max-memory", "1 GiB", "--set", "duration=10s")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{path}: vm.memory: 8 GiB takes about ")
    assert result.stderr.endswith("more than 1 GiB; make vm.memory smaller or --max-memory larger\n")


def test_max_memory_without_unit(scenario_file: ScenarioFile) -> None:
    result = run(scenario_file(), "--max-memory", "5")
    assert result.exit_code == 2
    assert result.stderr.startswith("error: --max-memory: '5' is not a size; write a number and a unit")


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("replication.protocol", "cachline-flags", "did you mean 'cacheline-flags'?"),
        ("replication.protokol", "x", "protokol"),
        ("link.latency", "5", "has no unit"),
        ("link.latency", "5 GiB", "link.latency"),
        ("duration", "-3 ms", "duration"),
        ("vm.memory", "1e30 B", "vm.memory"),
        ("vm.memory", "100 TiB", "vm.memory"),
        ("failures.0.at", "1 s", "after the end of the run"),
        ("workload.trace", "nowhere.parquet", "nowhere.parquet: does not exist"),
    ],
)
def test_bad_values(scenario_file: ScenarioFile, tmp_path: Path, key: str, value: str, problem: str) -> None:
    out = tmp_path / "out"
    changes = {"workload": {"trace": "x.parquet"}} if key == "workload.trace" else {}
    result = run(scenario_file(**changes), "--out", out, "--set", f"{key}={value}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert problem in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not out.exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name: [",
        "name: a\nname: b\n",
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    ],
    ids=["empty", "unclosed", "duplicate key", "bomb"],
)
def test_bad_files(tmp_path: Path, text: str) -> None:
    path, out = tmp_path / "bad.yaml", tmp_path / "out"
    path.write_text(text)
    result = run(path, "--out", out)
    assert (result.exit_code, result.stdout) == (2, "")
    assert all(line.startswith(f"{path}:") for line in result.stderr.splitlines())
    assert result.stderr
    assert not out.exists()


@pytest.mark.parametrize("arguments", [[], ["--frobnicate"], ["--seed", "-1"], ["--seed", "x"]])
def test_wrong_usage(scenario_file: ScenarioFile, arguments: list[str]) -> None:
    path = [str(scenario_file())] if arguments else []
    result = run(*path, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Usage: " in result.stderr


def test_all_scenarios_are_checked_before_the_first_runs(scenario_file: ScenarioFile, tmp_path: Path) -> None:
    result = run(scenario_file(), tmp_path / "missing.yaml")
    assert (result.exit_code, result.stdout) == (2, "")


def test_neither_pandas_nor_matplotlib_without_out(scenario_file: ScenarioFile) -> None:
    code = (
        "import sys; from vmfailover.cli.main import main; main(sys.argv[1:], standalone_mode=False); "
        "print('heavy:', *sorted({'pandas', 'matplotlib'} & sys.modules.keys()))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code, "run", str(scenario_file())], capture_output=True, text=True, check=True
    )
    assert process.stdout.splitlines()[-1] == "heavy:"


def test_the_fidelity_can_be_chosen() -> None:
    told = run("scenarios/sixty-four-gib.yaml", "--set", "duration=3500ms", "--fidelity", "sampled")
    assert told.exit_code == 0
    assert "sampled: no single access" in told.stdout
    refused = run("scenarios/quickstart-short.yaml", "--fidelity", "sampled")
    assert refused.exit_code == 2
    assert "only workloads of kind 'hot-sets' can be sampled" in refused.stderr
