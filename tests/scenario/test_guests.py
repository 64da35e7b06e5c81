"""Guests to start from: they are scenarios at once, and run."""

from pathlib import Path

import pytest

import vmfailover as vf
from vmfailover.guest.workloads.hot_sets import HotSetsWorkload
from vmfailover.scenario import load
from vmfailover.scenario.document import parse
from vmfailover.scenario.guests import guest_names, guest_text, template_text

from .conftest import Write

VISIBLE = Path(__file__).parents[2] / "scenarios" / "guests"
GUESTS = guest_names()
CRASH = [{"at": "23 ms", "kind": "host-crash", "target": "primary"}]


def test_the_visible_guests_are_those_of_the_package() -> None:
    assert {path.stem: path.read_text(encoding="utf-8") for path in VISIBLE.glob("*.yaml")} == {
        name: guest_text(name) for name in GUESTS
    }


@pytest.mark.parametrize("name", GUESTS)
def test_the_scenario_of_a_guest_has_its_workload(name: str, write: Write) -> None:
    told = parse(guest_text(name), name).data
    assert told.pop("fitted")["trace"].endswith(".parquet")
    assert len(told.pop("description")) > 100
    scenario = load(write(template_text(name)))
    assert (scenario.name, scenario.workload) == (name, HotSetsWorkload.model_validate(told))


def test_the_scenario_of_a_guest_is_the_template_else(write: Write) -> None:
    of_guest, template = (load(write(text)).model_dump() for text in (template_text("gzip"), template_text()))
    assert {key for key in template if of_guest[key] != template[key]} == {"name", "workload"}


def test_the_comments_of_a_guest_say_how_it_was_recorded() -> None:
    assert "\nworkload:\n  # SQLite 3.40.1 executing" in template_text("database")


@pytest.mark.slow
@pytest.mark.parametrize("name", GUESTS)
def test_a_guest_runs_and_every_invariant_holds(name: str, write: Write) -> None:
    scenario = load(write(template_text(name))).with_(duration="60 ms", failures=CRASH)
    result = vf.run(scenario)
    assert result.consistent
    assert not any(verdict.waived for verdict in result.verdicts)
    assert result.metrics["failover.count"] == 1
