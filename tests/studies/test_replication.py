"""Replications: how many, and how exactly something is known."""

import pytest
from scenarios_for_tests import brief

from vmfailover.errors import InputError
from vmfailover.simulation import run
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.precision import Precision
from vmfailover.studies.replication import BLOCK, LEAST, replicate
from vmfailover.studies.runs import replica

FAILING = brief(failures=[{"at": "2200 us", "kind": "host-crash", "target": "primary"}])


def test_the_first_is_the_scenario_itself_and_the_others_differ() -> None:
    found = replicate(FAILING, 4, executor=InThisProcess())
    assert found.values("failover.latency_ns")[0] == run(FAILING).values["failover.latency_ns"]
    assert len(set(found.values("failover.latency_ns"))) == 4
    assert [each.seed for each in found.runs] == [FAILING.seed + number for number in range(4)]
    assert "4 replications were asked for" in found.stop_reason
    assert found.consistent


@pytest.mark.slow
def test_it_goes_on_until_the_precision_is_reached() -> None:
    loose = replicate(FAILING, until="guest.slowdown ±20 %", executor=InThisProcess())
    assert len(loose.runs) == LEAST
    assert "was reached" in loose.stop_reason
    half_width = loose.estimate("failover.latency_ns").half_width
    assert half_width is not None
    tight = replicate(FAILING, until=f"failover.latency_ns ±{half_width / 1.3:.0f} ns", executor=InThisProcess())
    assert len(tight.runs) % BLOCK == 0
    assert len(tight.runs) > LEAST
    reached = tight.estimate("failover.latency_ns").half_width
    assert reached is not None
    assert reached <= half_width / 1.3


def test_it_stops_where_it_is_told_to() -> None:
    found = replicate(FAILING, 3, until="failover.latency_ns ±0.001 %", executor=InThisProcess())
    assert len(found.runs) == 3
    assert "was not reached in 3 replications" in found.stop_reason


@pytest.mark.parametrize(
    ("text", "precision"),
    [
        ("failover.latency_ns ±2 %", Precision("failover.latency_ns", "mean", 0.02, True)),
        ("failover.latency p99 +- 1 ms", Precision("failover.latency_ns", "p99", 1e6, False)),
        ("guest.slowdown +/- 0.5 %", Precision("guest.slowdown", "mean", 0.005, True)),
        ("loss.outputs median ±3", Precision("loss.outputs", "median", 3, False)),
    ],
)
def test_precisions(text: str, precision: Precision) -> None:
    assert Precision.parse(text) == precision


@pytest.mark.parametrize(
    "text", ["", "failover.latency_ns", "bogus ±2 %", "failover.latency_ns ±0 %", "guest.slowdown x ±1 %"]
)
def test_what_is_no_precision_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="until: "):
        Precision.parse(text)


def test_a_fixed_failure_stays_where_it_is() -> None:
    fixed = FAILING.with_(**{"failures.0.fixed": True})
    assert {replica(fixed, number).failures[0].at for number in range(5)} == {2_200_000}
    assert len({replica(FAILING, number).failures[0].at for number in range(5)}) == 5
