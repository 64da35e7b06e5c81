"""Runs of sampled guests: every protocol, with all that is promised, and what must not change them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import vmfailover as vf
from vmfailover.audit.invariants import Verdict
from vmfailover.guest.fidelity import LEFT_OUT
from vmfailover.hardware.memory import Memory
from vmfailover.hardware.sampled.processor import SampledProcessor
from vmfailover.replication.first_stores import FirstStores
from vmfailover.replication.page_walk import PageWalk
from vmfailover.replication.protocols.pages import PageTracking
from vmfailover.results.metrics import WALL_CLOCK
from vmfailover.scenario import ScenarioError
from vmfailover.simulation import Simulation

from .sampled_guests import PROTOCOLS, SETS, sampled


def verdicts(result: vf.RunResult) -> dict[str, bool]:
    return {verdict.name: verdict.holds for verdict in result.verdicts}


def simulated(result: vf.RunResult) -> dict[str, Any]:
    return {str(name): value for name, value in result.metrics.items() if name not in WALL_CLOCK}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_keeps_what_it_promises(protocol: str) -> None:
    result = vf.run(sampled(protocol))
    assert all(verdicts(result).values())
    assert {"image", "one_active_vm", "program"} <= set(verdicts(result))
    assert "dirty_lines_balance" not in verdicts(result)
    assert result.metrics["failover.latency_ns"] > 0
    assert any(LEFT_OUT in remark for remark in result.remarks)


@pytest.mark.parametrize("unit", ["4 KiB", "64 KiB", "2 MiB"])
def test_units_may_be_of_any_size(unit: str) -> None:
    scenario = sampled(replication={"protocol": "page-dirty-bits", "checkpoint_interval": "20 ms", "granularity": unit})
    result = vf.run(scenario)
    assert all(verdicts(result).values())
    assert result.metrics["replication.lines"] * 128 % scenario.replication.unit_bytes(128) == 0


def test_a_walk_knows_how_many_bytes_were_modified_however_it_is_simulated() -> None:
    walks = []
    for fidelity in ("executed", "sampled"):
        primary = Simulation(sampled("page-dirty-bits", fidelity=fidelity)).cluster.primary
        walk = PageWalk(PageTracking.model_validate({"evicted_by": "8 KiB"}), primary)
        walks.append([walk.ns(np.arange(pages)) for pages in (1, 2, 3)])
    assert walks[0] == walks[1]
    assert walks[0][0] == walks[0][1] < walks[0][2]


def test_a_vm_is_protected_again_and_comes_back() -> None:
    again = {"repair": "50 ms", "failback": "20 ms"}
    result = vf.run(sampled(duration="400 ms", extend=None, reprotection=again, vm=IN_USE))
    assert all(verdicts(result).values())
    assert result.metrics["failback.count"] == 1


IN_USE = {"vcpus": 2, "memory": "128 MiB", "in_use": "64 MiB"}


def test_a_first_copy_sends_what_is_in_use() -> None:
    scenario = sampled(duration="400 ms", extend=None, reprotection={"repair": "50 ms"}, clients=None)
    written, in_use = (
        vf.run(each).metrics["reprotection.bytes"] for each in (scenario, scenario.with_(**{"vm.in_use": "96 MiB"}))
    )
    assert written < 64 << 20
    assert 96 << 20 < in_use < 192 << 20


def test_a_restore_reads_what_is_in_use() -> None:
    scenario = sampled("cold-restart")
    whole, in_use = (
        vf.run(each).metrics["failover.apply_ns"] for each in (scenario, scenario.with_(**{"vm.in_use": "64 MiB"}))
    )
    assert in_use == whole // 2


def test_who_looks_changes_nothing() -> None:
    scenario = sampled()
    assert simulated(vf.run(scenario, samples=0)) == simulated(vf.run(scenario, samples=1000))


def test_requests_that_store_modify_memory() -> None:
    clients = {"kind": "open", "rate": "2000 /s", "stores": "8 KiB"}
    least, more = (vf.run(sampled(clients={**clients, "stores": stores})) for stores in ("0 B", "8 KiB"))
    assert all(verdicts(more).values())
    assert more.metrics["replication.bytes"] > least.metrics["replication.bytes"]


def test_an_idle_guest_modifies_nothing() -> None:
    sets = [{"kind": "random", "memory": "4 KiB", "visits": "0.001 /s"}]
    result = vf.run(sampled(workload={"kind": "hot-sets", "sets": sets}, clients=None))
    assert all(verdicts(result).values())
    assert result.metrics["replication.lines"] == 0


def test_a_vcpu_with_more_to_do_than_time_falls_behind() -> None:
    def executed(visits: str) -> float:
        sets = [{**SETS[1], "visits": visits}]
        scenario = sampled(workload={"kind": "hot-sets", "sets": sets}, failures=[], clients=None)
        return float(vf.run(scenario).metrics["run.accesses"])

    assert executed("2000000 /s") == pytest.approx(2 * executed("1000000 /s"), rel=0.02)
    assert executed("400000000 /s") < 1.5 * executed("200000000 /s")


# The audit finds what goes wrong.


def _forgetful(original: Callable[..., Any]) -> Callable[..., Any]:
    """Return what finds all modified units but one."""
    return lambda tracker: original(tracker)[1:]


def test_a_unit_that_is_not_found_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FirstStores, "read", _forgetful(FirstStores.read))
    found = verdicts(vf.run(sampled()))
    assert not found["nothing_lost_in_log"]
    assert not found["image"]


def test_a_unit_that_is_not_applied_is_told_at_the_next_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Memory.apply

    def apply(memory: Memory, lines: npt.NDArray[np.int64], versions: npt.NDArray[np.uint32]) -> None:
        original(memory, lines[1:], versions[1:])

    monkeypatch.setattr(Memory, "apply", apply)
    image = next(each for each in vf.run(sampled(failures=[])).verdicts if each.name == "image")
    assert not image.holds
    assert "what epoch 0 left" in image.detail


def test_a_unit_that_changes_unseen_is_told_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    original = SampledProcessor.write_around

    def write_around(processor: SampledProcessor, lines: npt.NDArray[np.int64], logs: Any) -> None:
        original(processor, lines, logs)
        processor.memory.versions[20_000] = 7

    monkeypatch.setattr(SampledProcessor, "write_around", write_around)
    broken: list[Verdict] = [each for each in vf.run(sampled(failures=[])).verdicts if each.broken]
    assert [each.name for each in broken] == ["program"]


# Scenarios.


def test_only_hot_sets_can_be_sampled() -> None:
    with pytest.raises(ValueError, match=r"fidelity: only workloads of kind 'hot-sets' can be sampled; .*trace fit"):
        sampled(workload={"kind": "idle"})


def test_sets_lie_in_the_memory_in_use() -> None:
    with pytest.raises(ValueError, match=r"workload.sets.2.memory: .*beyond the memory in use, 32 MiB"):
        sampled(vm={"vcpus": 2, "memory": "128 MiB", "in_use": "32 MiB"})


def test_no_more_is_in_use_than_there_is() -> None:
    with pytest.raises(ValueError, match=r"vm.in_use: more than vm.memory; write at most 128 MiB"):
        sampled(vm={"vcpus": 2, "memory": "128 MiB", "in_use": "129 MiB"})


def test_memory_has_whole_units() -> None:
    with pytest.raises(ValueError, match="not a multiple of the unit of 4096 B"):
        sampled(vm={"vcpus": 2, "memory": "131073 KiB"})


def test_memory_beyond_what_can_be_executed_is_sampled() -> None:
    large = sampled(vm={"vcpus": 2, "memory": "512 GiB"})
    assert large.vm.memory == 512 << 30
    with pytest.raises(ScenarioError, match=r"vm.memory: .*"):
        large.with_(fidelity="executed")


@pytest.mark.slow
def test_two_minutes_of_64_gib_with_a_crash_keep_every_promise() -> None:
    keys = {"duration": "120 s", "failures.0.at": "60 s", "detection.interval": "1 s", "detection.timeout": "3 s"}
    result = vf.run(vf.load("scenarios/sixty-four-gib.yaml").with_(**keys))
    assert all(verdicts(result).values())
    assert result.metrics["checkpoint.count"] > 5900
