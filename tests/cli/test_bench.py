"""`vmfailover bench`: everything is measured, and what is measured adds up."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vmfailover.cli.main import main
from vmfailover.studies import benchmarks

from .conftest import ScenarioFile

REDIS = Path(__file__).parents[2] / "scenarios" / "traces" / "redis-set.parquet"
KERNEL = ["kernel", "kernel, with checks", "kernel, with checks and audit"]
GENERATED = ("zipf", "sequential", "uniform", "pointer-chase", "hot-sets")
SYNTHETIC = [f"generating and executing: {name}" for name in GENERATED]
SCHEDULED = [f"1,000 events, 2 machines run, {standing} stand still" for standing in ("0", "2,000")]
FIDELITIES = ["run, executed: hot-sets", "run, executed: redis"]
RUNS = [
    "run, after start-up",
    *FIDELITIES,
    "two guests at once",
    "process: vmfailover --help",
    "process: vmfailover run",
]

#: What is shown beside them is no part of their time.
ALONE = ["two guests at once", *FIDELITIES]


@pytest.fixture(autouse=True)
def _few_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure little, so that it takes little time."""
    monkeypatch.setattr(benchmarks, "SYNTHETIC_RECORDS", 1 << 15)


@pytest.fixture(autouse=True)
def _short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let guests run for a moment only."""
    monkeypatch.setitem(benchmarks.SPLIT, "duration", "8 ms")
    monkeypatch.setattr(benchmarks, "EXECUTED_NS", 10_000_000)
    monkeypatch.setattr(benchmarks, "SAMPLED_NS", 20_000_000)


def bench(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["bench", "--repeat", "1", *map(str, arguments)])


@pytest.mark.slow
def test_everything_is_measured_and_announced(scenario_file: ScenarioFile) -> None:
    result = bench(scenario_file(), "--json")
    printed = json.loads(result.stdout)
    names = [measurement["name"] for measurement in printed["measurements"]]
    assert names == [*KERNEL, *SYNTHETIC, *SCHEDULED, *RUNS]
    assert result.stderr.splitlines() == [f"measuring {name}" for name in names]
    assert printed["scenario"]["name"] == "base"
    assert {"machine", "packages", "schema_version"} <= set(printed)


@pytest.mark.slow
def test_rates_are_those_of_the_fastest(scenario_file: ScenarioFile) -> None:
    measured = json.loads(bench(scenario_file(), "--json", "--repeat", 2).stdout)["measurements"]
    for item in measured:
        assert len(item["seconds"]) == 2
        assert item["seconds_min"] == min(item["seconds"]) <= item["seconds_median"]
        assert all(share > 0 for share in item["shares"].values())
        assert sum(item["shares"].values()) <= 1 + 1e-9 or item["name"] in ALONE
        for unit in ("records", "accesses"):
            if item[unit] is not None:
                assert item[f"{unit}_per_second"] == pytest.approx(item[unit] / item["seconds_min"])
    shares = {item["name"]: set(item["shares"]) for item in measured}
    assert shares["run, after start-up"] == {"kernel", "audit"}
    assert shares["two guests at once"] == {"one guest"}
    assert all(shares[name] == {"sampled"} for name in FIDELITIES)


@pytest.mark.slow
def test_a_recorded_guest_is_executed_and_read_whole(scenario_file: ScenarioFile) -> None:
    path = scenario_file(workload={"trace": str(REDIS), "repeat": True}, vm={"memory": "1 GiB"})
    measured = {item["name"]: item for item in json.loads(bench(path, "--json").stdout)["measurements"]}
    for name in (*KERNEL, "reading the trace"):
        assert (measured[name]["records"], measured[name]["accesses"]) == (3863325, 6014355)


@pytest.mark.slow
def test_overrides_reach_every_run(scenario_file: ScenarioFile) -> None:
    path = scenario_file(duration="1000 s")
    result = bench(path, "--set", "duration=2ms", "--set", "failures=[]")
    assert result.exit_code == 0
    assert result.stdout.startswith(
        "base · kernel: one core, L1 64 KiB, L2 64 KiB, lines of 128 B · best and median of 1"
    )
    assert [line.split("  ")[0] for line in result.stdout.splitlines()[3:]] == [*KERNEL, *SYNTHETIC, *SCHEDULED, *RUNS]


@pytest.mark.slow
def test_without_scenario_a_synthetic_guest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = bench("--set", "duration=6ms", "--set", "failures=[]", "--set", "vm.memory=64 MiB")
    assert result.exit_code == 0
    assert result.stderr.startswith(
        "measuring with the synthetic guest of `vmfailover init`, as no scenario is given\n"
    )


@pytest.mark.slow
def test_without_scenario_the_quickstart_if_there_is_one(
    scenario_file: ScenarioFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = scenario_file(name="mine")
    path.parent.joinpath("scenarios").mkdir()
    path.rename(tmp_path / "scenarios" / "quickstart.yaml")
    result = bench()
    assert result.stderr.startswith("measuring with scenarios/quickstart.yaml, as no scenario is given\n")
    assert result.stdout.startswith("mine · ")


@pytest.mark.parametrize("arguments", [["--repeat", "0"], ["missing.yaml"]])
def test_wrong_usage(arguments: list[str]) -> None:
    result = bench(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
