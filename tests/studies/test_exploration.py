"""Exploration: every fault around every event, kept and gone on with, and broken promises made small."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mutants.injection import MUTANTS, Injection, Mutant
from mutants.test_mutants import SOUND  # noqa: F401 - enters every deliberate defect
from scenarios_for_tests import minute, small

from vmfailover.errors import InputError
from vmfailover.hardware.cache import kernel
from vmfailover.scenario import Scenario, load
from vmfailover.scenario.writing import write_scenario
from vmfailover.simulation import run
from vmfailover.studies import exploration
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.exploration import (
    FAULTS,
    Exploration,
    Explored,
    Fault,
    examine,
    explore,
    first_points,
    named_fault,
    quantile,
    with_faults,
)
from vmfailover.studies.instants import Trace
from vmfailover.studies.minimisation import minimised

#: A cut link leaves the primary, since the other host waits for longer than an order takes.
SCENARIO = minute("no-failure", **{"fencing.priority_delay": "100 us"})
#: Points of each defect that are tried.
POINTS = 60
#: Defects that no fault of the first epochs brings out, and why.
NOT_REACHED = {
    "goes_live_before_it_has_caught_up": "its replica has always caught up when a fault of these is noticed",
    "log_released_before_the_commit": "breaks a law of the log, no promise of the protocol",
    "stream_out_of_order": "breaks a law of the stream, no promise of the protocol",
}
#: Defects that keep something from one run to the next, so that another run of the same scenario differs.
KEEPS_STATE = {"state_one_epoch_old", "bits_of_the_interval_before"}


def explored(**options: Any) -> Exploration:
    return explore(SCENARIO, **{"epochs": 3, "executor": InThisProcess(), **options})


@pytest.mark.slow
@pytest.mark.parametrize(("epochs", "last_phases"), [(1, {"transfer"}), (3, {"commit", "acknowledge"})])
def test_every_phase_and_fault_is_covered_and_every_promise_kept(epochs: int, last_phases: set[str]) -> None:
    found = explored(epochs=epochs)
    assert not found.violations
    assert found.faults == list(FAULTS)
    phases = {each.point.phase for each in found.results}
    assert {"pause", "capture", "transfer"} | last_phases <= phases
    assert {each.outcome for each in found.results} == {"taken over", "alone"}
    assert len(found.latencies("host-crash")) == sum(found.count("host-crash", phase) for phase in phases)


@pytest.mark.slow
def test_a_second_fault_follows_the_first() -> None:
    found = explored(faults=["host-crash", "host-crash:secondary"], epochs=1, depth=2)
    assert not found.violations
    pairs = [each.point.faults for each in found.results if len(each.point.faults) == 2]
    assert all(first.at_ns < second.at_ns for first, second in pairs)
    assert {(first.name, second.name) for first, second in pairs} == {
        ("host-crash", "host-crash:secondary"),
        ("host-crash:secondary", "host-crash"),
    }
    assert "no service" in {each.outcome for each in found.results}


def test_what_was_run_is_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = explored(out=tmp_path, faults=["vm-crash"], epochs=1)
    file = tmp_path / "runs.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-3]) + lines[-3][: len(lines[-3]) // 2])
    again: list[Any] = []

    def counted(scenario: Scenario, point: Any) -> Explored:
        again.append(point)
        return examine(scenario, point)

    monkeypatch.setattr(exploration, "examine", counted)
    assert explored(out=tmp_path, faults=["vm-crash"], epochs=1).results == first.results
    assert len(again) == 3
    assert sorted(file.read_text().splitlines()) == sorted("".join(lines).splitlines())


def test_a_folder_of_another_scenario_is_refused(tmp_path: Path) -> None:
    explored(out=tmp_path, faults=["vm-crash"], epochs=1)
    with pytest.raises(InputError, match=r"runs.jsonl: is of another scenario"):
        explore(small("no-failure"), out=tmp_path, executor=InThisProcess())


@pytest.mark.parametrize("name", ["host", "host-crash:forward", "link-cut:primary", ""])
def test_faults_that_are_not_known_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="faults: "):
        named_fault(name)


def test_a_run_that_fails_is_a_violation(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(scenario: Scenario) -> None:
        raise ZeroDivisionError(scenario.name)

    monkeypatch.setattr(exploration, "whole", fail)
    found = explored(faults=["vm-crash"], epochs=1)
    assert {each.outcome for each in found.results} == {"failed"}
    assert len(found.violations) == len(found.results)


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 2), (0.75, 3), (1.0, 4)])
def test_quantiles(share: float, value: int) -> None:
    assert quantile([1, 2, 3, 4], share) == value


def first_violation(mutant: Mutant) -> tuple[Scenario, Explored] | None:
    """Explore some points of the scenario of a defect, until one breaks a promise."""
    plain = mutant.scenario.with_(failures=[])
    points = list(first_points(plain, Trace(plain), [named_fault(name) for name in FAULTS], 3))
    chosen = np.unique(np.linspace(0, len(points) - 1, POINTS).astype(int)).tolist()
    found = (examine(plain, points[index]) for index in chosen)
    return next(((plain, each) for each in found if each.violations), None)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, each in MUTANTS.items() if each.twin is kernel])
def test_deliberate_defects_are_found_and_minimised(name: str, tmp_path: Path) -> None:
    mutant = MUTANTS[name]
    with pytest.MonkeyPatch.context() as patch:
        mutant.inject(Injection(patch))
        violation = first_violation(mutant)
        assert (violation is None) == (name in NOT_REACHED), NOT_REACHED.get(name)
        if violation is None or name in KEEPS_STATE:
            return
        plain, found = violation
        broken = found.violations[0].partition(":")[0]
        smallest = minimised(plain, found)
        write_scenario(smallest, tmp_path / "violation.yaml")
        again = run(load(tmp_path / "violation.yaml"))
    assert broken in {verdict.name for verdict in again.verdicts if not verdict.holds}
    assert smallest.duration <= with_faults(plain, found.point.faults).duration
    assert len(smallest.failures) <= 1


def test_a_defect_is_made_small(tmp_path: Path) -> None:
    mutant = MUTANTS["deduplication_drops_the_last_line"]
    fault = Fault("host-crash", "primary", 4_000_000)
    with pytest.MonkeyPatch.context() as patch:
        mutant.inject(Injection(patch))
        found = examine(mutant.scenario.with_(failures=[]), exploration.Point((fault,), "epoch"))
        smallest = minimised(mutant.scenario, found)
        write_scenario(smallest, tmp_path / "violation.yaml")
        again = run(load(tmp_path / "violation.yaml"))
    assert smallest.clients is None
    assert not again.consistent
    assert again.scenario.hash == smallest.hash


def test_a_fault_may_name_planes() -> None:
    what = named_fault("network-loss:secondary:replication+power")
    assert what == ("network-loss", "secondary", "replication", "power")
    fault = Fault(what[0], what[1], 5, what[2:])
    assert fault.name == "network-loss:secondary:replication+power"
    (failure,) = with_faults(small(), [fault]).failures
    assert failure.model_dump()["planes"] == ("replication", "power")


@pytest.mark.parametrize(
    "name", ["network-loss:primary:air", "host-crash:primary:power", "network-loss:primary:power:x"]
)
def test_a_fault_of_planes_that_there_are_not(name: str) -> None:
    with pytest.raises(InputError, match="is unknown"):
        named_fault(name)


@pytest.mark.slow
def test_between_the_stages_cut_planes_keep_every_invariant() -> None:
    """One host runs the VM, from a committed image, wherever in a failover the planes are cut."""
    faults = ["isolation", "network-loss:primary:replication", "network-loss:secondary:witness+power"]
    keys: dict[str, Any] = {
        "quorum": {"kind": "witness", "vote": "50 us"},
        "fencing": {"kind": "stonith", "delay": "100 us"},
    }
    found = explore(small(**keys), faults=faults, epochs=1)
    assert set(found.faults) == set(faults)
    assert [each.violations for each in found.violations] == []
