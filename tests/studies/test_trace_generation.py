"""What a workload executes, written as a trace."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scenarios_for_tests import BASE

from vmfailover.cli.main import main
from vmfailover.engine.streams import seed_sequence
from vmfailover.errors import InputError
from vmfailover.guest.workloads.workload import open_workload
from vmfailover.scenario.loading import load
from vmfailover.studies.trace_generation import generate_trace
from vmfailover.traces.format import open_trace

COLUMNS = ("block", "write", "count", "instructions")
HOT_SETS = """\
kind: hot-sets
description: Two sets.
sets:
  - {kind: random, memory: 64 KiB, visits: 400000 /s, stores: 2.5, loads: 0.5}
  - {kind: stream, memory: 8 KiB, visits: 10000 /s, burst: 4 KiB, vcpus: [1]}
"""


def records(path: Path, vcpu: int) -> Any:
    """Return the records of a vCPU of a trace, uint32[4, n]."""
    return np.concatenate([[getattr(each, name) for name in COLUMNS] for each in open_trace(path).chunks(vcpu)], axis=1)


def executed(path: Path, vcpu: int, number: int) -> Any:
    """Return the first records of a vCPU of a scenario's guest, uint32[4, number]."""
    scenario = load(path)
    seed = seed_sequence(scenario.seed, "workload")
    taken, missing = [], number
    workload = open_workload(scenario.workload, scenario.vm.vcpus, scenario.hosts.primary.line, seed)
    for chunk in workload.chunks(vcpu):
        taken.append([getattr(chunk, name)[:missing] for name in COLUMNS])
        missing -= chunk.records
        if missing <= 0:
            break
    return np.concatenate(taken, axis=1)


@pytest.fixture
def hot_sets(tmp_path: Path) -> Path:
    path = tmp_path / "W.yaml"
    path.write_text(HOT_SETS)
    return path


@pytest.mark.usefixtures("hot_sets")
@pytest.mark.parametrize("workload", [BASE["workload"], {"from": "W.yaml"}])
def test_a_trace_has_what_the_guest_of_a_scenario_executes(tmp_path: Path, workload: Any) -> None:
    scenario, out = tmp_path / "scenario.yaml", tmp_path / "out.parquet"
    scenario.write_text(json.dumps({**BASE, "vm": {"vcpus": 2, "memory": "2 MiB"}, "workload": workload}))
    metadata = generate_trace(scenario, out, 50_000)
    assert (metadata.accesses, metadata.vcpus, metadata.address_space) == (50_000, 2, "physical")
    counts = []
    for vcpu in (0, 1):
        found = records(out, vcpu)
        expected = executed(scenario, vcpu, found.shape[1])
        assert np.array_equal(found[:, :-1], expected[:, :-1])  # the last record may be cut
        counts.append(found[2].sum())
    assert sum(counts) == 50_000
    if "from" in workload:
        assert counts[0] == pytest.approx(50_000 * 0.35, rel=0.05)  # 750 of the 2,140 accesses of a millisecond


def test_a_file_with_a_workload_is_enough(tmp_path: Path, hot_sets: Path) -> None:
    out = tmp_path / "out.parquet"
    seen: list[tuple[int, int]] = []
    metadata = generate_trace(hot_sets, out, 300_001, vcpus=2, seed=4, progress=lambda *at: seen.append(at))
    assert metadata.memory_bytes == 72 * 1024
    assert metadata.accesses == sum(int(records(out, vcpu)[2].sum()) for vcpu in (0, 1)) == 300_001
    assert seen[-1] == (300_001, 300_001)
    again = tmp_path / "again.parquet"
    generate_trace(hot_sets, again, 300_001, vcpus=2, seed=5)
    assert not np.array_equal(records(out, 0), records(again, 0))


def test_the_trace_can_be_run(tmp_path: Path, hot_sets: Path) -> None:
    out = tmp_path / "out.parquet"
    generate_trace(hot_sets, out, 1_000, vcpus=2)
    scenario = tmp_path / "scenario.yaml"
    memory = {"vcpus": 2, "memory": "2 MiB"}
    scenario.write_text(json.dumps({**BASE, "vm": memory, "workload": {"trace": "out.parquet"}}))
    assert load(scenario).workload.file == out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HOT_SETS, "W.yaml:5:74: workload.sets.1.vcpus: vCPU 1 is none of the 1 of the VM"),
        (HOT_SETS.replace("64 KiB", "64 kB"), "W.yaml:4:28: workload.sets.0.memory: 64 kB is not a whole number"),
        ("kind: zip", "W.yaml:1:7: workload.kind: 'zip' is unknown"),
        ("kind: zipf\nfrom: V.yaml", "W.yaml:2:7: from: a file with a workload names no other file"),
        ("- 1", "W.yaml:1:1: a workload is a mapping of keys"),
    ],
)
def test_a_workload_that_cannot_be_leaves_nothing(tmp_path: Path, hot_sets: Path, text: str, words: str) -> None:
    hot_sets.write_text(text)
    with pytest.raises(InputError) as caught:
        generate_trace(hot_sets, tmp_path / "out.parquet", 10)
    assert words in str(caught.value)
    assert [each.name for each in tmp_path.iterdir()] == ["W.yaml"]


def test_a_trace_that_is_cut_short_leaves_what_was_there(tmp_path: Path, hot_sets: Path) -> None:
    out = tmp_path / "out.parquet"
    generate_trace(hot_sets, out, 10, vcpus=2)
    before = out.read_bytes()

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate_trace(hot_sets, out, 10**9, vcpus=2, progress=stop)
    assert out.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["W.yaml", "out.parquet"]


def test_the_command_says_what_it_wrote(tmp_path: Path, hot_sets: Path) -> None:
    out = tmp_path / "out.parquet"
    arguments = ["trace", "generate", str(hot_sets), str(out), "--accesses", "5000", "--vcpus", "2"]
    told = CliRunner().invoke(main, arguments)
    assert told.exit_code == 0
    assert told.stdout.splitlines()[0].split() == ["accesses", "5,000"]
    described = json.loads(CliRunner().invoke(main, [*arguments, "--json"]).stdout)
    assert (described["accesses"], described["vcpus"], described["block_bytes"]) == (5_000, 2, 64)
