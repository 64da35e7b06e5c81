"""Availability: failovers that have been simulated, and statistics that add up."""

import json
import math
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenarios_for_tests import brief, small

import vmfailover as vf
from vmfailover.errors import InputError
from vmfailover.scenario.replication import Replication
from vmfailover.simulation import run
from vmfailover.studies.availability import YEAR_NS, Availability, availability, crashes, resynchronisation_ns
from vmfailover.studies.executors import InThisProcess, local_processes
from vmfailover.studies.host_pair import live

SETTINGS = settings(derandomize=True, deadline=None, max_examples=40)
FAILING = brief(failures=[{"at": "2200 us", "kind": "host-crash", "target": "primary"}])
HOUR_NS = 3600 * 10**9


@cache
def found() -> Availability:
    return availability(FAILING, failures=20_000, failovers=3, executor=InThisProcess())


def test_failovers_are_those_of_the_simulator() -> None:
    copies = crashes(FAILING, 3)
    assert found().pair.failovers_ns == tuple(run(copy).values["failover.latency_ns"] for copy in copies)
    assert len(set(found().pair.failovers_ns)) == 3
    mean_ns = found().total("failover_ns") / found().total("failovers")
    assert min(found().pair.failovers_ns) < mean_ns < max(found().pair.failovers_ns)


def test_crashes_are_spread_and_alike_for_all_protocols() -> None:
    instants = [copy.failures[0].at or 0 for copy in crashes(FAILING, 10)]
    assert [instant * 10 // 2_200_000 for instant in instants] == list(range(10))
    assert len({instant % 220_000 for instant in instants}) == 10
    other = FAILING.with_(**{"replication.protocol": "record-replay"})
    assert [copy.failures[0].at for copy in crashes(other, 10)] == instants
    assert [copy.seed for copy in crashes(FAILING, 3)] == [FAILING.seed + index for index in range(3)]


def test_without_a_failure_of_its_own_a_scenario_crashes_in_its_first_half() -> None:
    assert all((copy.failures[0].at or 0) < 2_100_000 for copy in crashes(brief(), 10))
    phase = {"at_phase": "mid-transfer", "epoch": 2, "kind": "host-crash", "target": "primary"}
    phased = FAILING.with_(failures=[phase])
    assert [copy.failures for copy in crashes(phased, 10)] == [copy.failures for copy in crashes(brief(), 10)]


def test_costs_come_from_the_scenario() -> None:
    pair = found().pair
    assert pair.resynchronisation_ns == math.ceil(2 * 2**20 * 8 / 10)
    assert pair.restart_ns == FAILING.replication.restart.boot
    assert (pair.mttf_ns, pair.mttr_ns, pair.one_crew) == (1000 * HOUR_NS, 4 * HOUR_NS, False)
    assert resynchronisation_ns(small("cold-restart")) == 0


@pytest.mark.parametrize("protocol", sorted(Replication.kinds.keys() - {"live-precopy"}))
def test_every_protocol_that_takes_over_has_an_availability(protocol: str) -> None:
    costs = {"replication.restart.boot": "300 us", "detection.timeout": "1 ms"}
    scenario = FAILING.with_(**{"replication.protocol": protocol, **costs})
    result = availability(scenario, failures=500, failovers=2, replications=2, executor=InThisProcess())
    assert result.consistent
    assert result.total("failovers") > 0


def test_a_crash_that_nothing_follows_is_told() -> None:
    evacuating = FAILING.with_(**{"replication.protocol": "live-precopy", "replication.precopy.lead": "1 us"})
    with pytest.raises(InputError, match=r"base: no failover followed a failure at \d+ ns: the evacuation was not"):
        availability(evacuating, failovers=1, executor=InThisProcess())
    harmless = FAILING.with_(**{"fencing.failure_probability": "100 %"})
    with pytest.raises(InputError, match="the VM did not come up on it"):
        availability(harmless, failovers=1, executor=InThisProcess())
    hasty = FAILING.with_(**{"link.bandwidth": "20 Mbit/s"})
    with pytest.raises(InputError, match="a false alarm came first"):
        availability(hasty, failovers=2, executor=InThisProcess())


def test_a_run_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object, **options: object) -> None:  # noqa: ARG001 - what a study calls
        raise ValueError("no luck")

    monkeypatch.setattr("vmfailover.studies.runs.run", fail)
    with pytest.raises(InputError, match="ValueError: no luck"):
        availability(FAILING, failovers=1, executor=InThisProcess())


@pytest.mark.slow
def test_it_is_the_same_in_other_processes() -> None:
    with local_processes(2) as executor:
        assert availability(FAILING, failures=20_000, failovers=3, executor=executor).to_json() == found().to_json()


def test_progress_counts_failovers_and_replications() -> None:
    told: list[tuple[int, int]] = []
    availability(
        FAILING,
        failures=100,
        failovers=2,
        replications=3,
        executor=InThisProcess(),
        progress=lambda done, of: told.append((done, of)),
    )
    assert told == [(done, 5) for done in range(1, 6)]


def test_years_or_failures_say_how_long() -> None:
    by_years = availability(FAILING, years=1000, failovers=1, replications=4, executor=InThisProcess())
    assert by_years.time_ns == pytest.approx(1000 * YEAR_NS)
    assert len(by_years.lives) == 4
    by_failures = availability(FAILING, failures=5000, failovers=1, replications=4, executor=InThisProcess())
    assert by_failures.total("failures") == pytest.approx(5000, rel=0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mttf": "1000"}, "mttf: '1000' is not a time; write a number and a unit"),
        ({"mttr": "0 h"}, "mttr: must be above zero"),
        ({"repair": "none"}, "repair: 'none' is unknown; it is one of independent, one-crew"),
        ({"mttf": "1 ms", "mttr": "1 ms", "years": 1000}, "more than 1,000,000,000 failures"),
    ],
)
def test_bad_values_are_told(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        availability(FAILING, executor=InThisProcess(), **options)  # type: ignore[arg-type]


def test_json_has_everything_and_no_nan() -> None:
    content = json.loads(found().to_json())
    assert content["schema_version"] == 1
    assert content["availability"]["mean"] == pytest.approx(1 - 10 ** -content["nines"])
    parts = content["per_year"]
    assert parts["downtime_ns"]["mean"] == pytest.approx(parts["failover_ns"]["mean"] + parts["outage_ns"]["mean"])
    assert parts["exposure_ns"]["mean"] == pytest.approx(content["exposure_share"]["mean"] * YEAR_NS)
    assert all(statistic["half_width"] > 0 for statistic in (*parts.values(), content["availability"]))
    assert content["model"]["failovers_ns"] == list(found().pair.failovers_ns)


def test_a_vm_that_was_never_down_has_no_number_of_nines() -> None:
    spotless = replace(found(), lives=(live(found().pair, 1, seed=1),))
    assert spotless.nines is None
    assert json.loads(spotless.to_json())["availability"] == {
        "mean": 1.0,
        "half_width": None,
        "n": 1,
        "at_least": False,
    }


@given(seed=st.integers(0, 2**32), mttr_hours=st.integers(1, 5000), crew=st.booleans())
@SETTINGS
def test_availability_is_a_share_and_its_complement_adds_up(seed: int, mttr_hours: int, crew: bool) -> None:
    pair = replace(found().pair, mttr_ns=mttr_hours * HOUR_NS, one_crew=crew)
    result = replace(found(), pair=pair, lives=tuple(live(pair, YEAR_NS, seed, number) for number in range(5)))
    mean, exposure = result.availability.mean, result.exposure_share.mean
    assert mean is not None
    assert exposure is not None
    assert 0 <= 1 - exposure <= mean <= 1
    down = sum(result.per_year(name).mean or 0 for name in ("failover_ns", "outage_ns"))
    assert down == pytest.approx((1 - mean) * YEAR_NS, rel=1e-6, abs=1e4)


def test_it_is_public() -> None:
    assert vf.availability is availability
