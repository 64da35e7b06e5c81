"""Every kind of fault: the scenarios that show it, and what each protocol makes of it."""

from pathlib import Path
from typing import Any

import pytest
from scenarios_for_tests import PROTOCOL_VARIANTS, small

from vmfailover.results.outcome import headline
from vmfailover.scenario import load
from vmfailover.scenario.failover import Failure
from vmfailover.simulation import run

FOLDER = Path(__file__).parents[2] / "scenarios" / "faults"
SCENARIOS = sorted(FOLDER.glob("*.yaml"))
COMPARED = {"==": float.__eq__, "<": float.__lt__, ">": float.__gt__}
#: Faults, some of which pass.
FAULTS: dict[str, dict[str, Any]] = {
    "secondary": {"kind": "host-crash", "target": "secondary"},
    "power": {"kind": "power-loss"},
    "vm": {"kind": "vm-crash"},
    "memory": {"kind": "memory-error"},
    "hang": {"kind": "hypervisor-hang"},
    "short hang": {"kind": "hypervisor-hang", "lasts": "700 us"},
    "hang of the secondary": {"kind": "hypervisor-hang", "target": "secondary"},
    "slow": {"kind": "slow-host", "factor": 3.0, "lasts": "2 ms"},
    "cut": {"kind": "link-cut"},
    "short cut": {"kind": "link-cut", "lasts": "600 us"},
    "flapping": {"kind": "link-cut", "lasts": "300 us", "repeat": 4, "every": "800 us"},
    "cut forward": {"kind": "link-cut", "target": "forward"},
    "cut backward": {"kind": "link-cut", "target": "backward"},
    "loss": {"kind": "link-loss", "share": "50 %", "lasts": "2 ms"},
    "slow link": {"kind": "link-slow", "factor": 30.0, "lasts": "3 ms"},
}
FENCING = {
    "stonith": {"kind": "stonith", "delay": "300 us"},
    "shared-storage": {"kind": "shared-storage", "delay": "300 us"},
    "witness": {"kind": "witness", "delay": "100 us", "lease": "200 us"},
}

#: Scenarios that quick tests run; the others are among the heavy proofs.
QUICK = {"link-cut"}


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=() if path.stem in QUICK else pytest.mark.slow) for path in SCENARIOS],
    ids=lambda path: path.stem,
)
def test_a_scenario_shows_what_it_says(path: Path) -> None:
    scenario = load(path)
    assert len(scenario.description.strip().splitlines()) == 2
    result = run(scenario)
    assert [verdict for verdict in result.verdicts if verdict.broken] == []
    for name, expectation in scenario.expect.items():
        comparison, number = expectation.split()[:2]
        value = result.values[name]
        assert value is not None, name
        limit = float(number) * (1e6 if expectation.endswith(" ms") else 1)
        assert COMPARED[comparison](float(value), limit), (name, value, expectation)


def test_every_kind_has_a_scenario() -> None:
    shown = {failure.kind for path in SCENARIOS for failure in load(path).failures}
    assert shown == Failure.kinds.keys()


@pytest.mark.parametrize(
    "fencing", ["witness", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("stonith", "shared-storage"))]
)
@pytest.mark.parametrize("fault", FAULTS)
def test_no_fault_breaks_a_promise(fault: str, fencing: str) -> None:
    result = run(small(failures=[{"at": "4321 us", **FAULTS[fault]}], fencing=FENCING[fencing]))
    assert result.consistent, result.verdicts
    assert result.values["loss.split_brain_ns"] == 0


@pytest.mark.parametrize("longer", [0, 1])
def test_a_host_that_hangs_for_two_reasons_is_given_up_as_for_one(longer: int) -> None:
    lasting = ["500 us", "500 us"]
    lasting[longer] = "4 ms"
    hangs = [
        {"at": f"{4300 + 10 * number} us", "kind": "hypervisor-hang", "lasts": lasts}
        for number, lasts in enumerate(lasting)
    ]
    found = run(small(failures=hangs))
    assert headline(found).startswith("The primary hung at 4.30 ms; ")
    assert found.values["failover.count"] == 1
    assert found.values["failover.detection_ns"] == pytest.approx(1.5e6, abs=0.5e6)


@pytest.mark.slow
@pytest.mark.parametrize("variant", PROTOCOL_VARIANTS)
def test_no_fault_breaks_a_promise_of_any_protocol(variant: str) -> None:
    for name, fault in FAULTS.items():
        for at in ("2345678 ns", "4321012 ns", "5000010 ns"):
            result = run(small(variant, failures=[{"at": at, **fault}]))
            assert result.consistent, (name, at, result.verdicts)


def test_a_primary_alone_answers_its_clients() -> None:
    scenario = small(failures=[{"at": "4321 us", **FAULTS["secondary"]}])
    alone = run(scenario)
    (event,) = (event for event in alone.event_rows if event.kind == "alone")
    later = [response for response in alone.responses if response.sent_ns > event.time_ns]
    assert len(later) > 50
    assert max(each.received_ns - each.sent_ns for each in later) < 1_000_000


def test_a_virtual_machine_that_dies_loses_less_than_its_host() -> None:
    """What its process had given to the network arrives."""
    lost = {
        kind: run(small(failures=[{"at_phase": "mid-transfer", "epoch": 3, "kind": kind}])).values["loss.work_ns"] or 0
        for kind in ("vm-crash", "host-crash")
    }
    assert lost["vm-crash"] <= lost["host-crash"]


def test_a_memory_error_needs_no_detection() -> None:
    values = run(small(failures=[{"at": "4321 us", "kind": "memory-error"}])).values
    assert (values["failover.detection_ns"] or 0) < 30_000
