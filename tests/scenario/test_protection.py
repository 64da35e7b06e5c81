"""What protecting costs, where it can be said by a word."""

import pytest
from pydantic import ValidationError
from scenarios_for_tests import small

from vmfailover.replication.protocols.pages import PageTracking
from vmfailover.scenario.schema import json_schema
from vmfailover.simulation import run


@pytest.mark.parametrize(
    ("fault", "time_ns"), [("re-armed", 260), ("exit", 2000), ("shadow", 25_000), ("3 us", 3000), ("0 ns", 0)]
)
def test_a_fault_takes_what_is_said_or_what_is_known_of_its_kind(fault: str, time_ns: int) -> None:
    assert PageTracking.model_validate({"fault": fault}).fault == time_ns


def test_by_default_a_fault_is_an_exit() -> None:
    assert PageTracking().fault == 2000


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("rearmed", "'rearmed' is none of re-armed, exit, shadow; or write a number and a unit"),
        ("3", "is not a duration"),
        (3, "has no unit"),
    ],
)
def test_other_words_are_refused(fault: object, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        PageTracking.model_validate({"fault": fault})


def test_the_schema_offers_the_words() -> None:
    fault = json_schema()["$defs"]["PageTracking"]["properties"]["fault"]
    assert {"enum": ["re-armed", "exit", "shadow"]} in fault["anyOf"]
    assert fault["default"] == "exit"


def test_a_guest_pays_for_its_kind_of_fault() -> None:
    fractions = []
    for fault in ("re-armed", "exit", "shadow"):
        scenario = small("page-write-protect", failures=[], **{"replication.page_tracking": {"fault": fault}})
        fractions.append(float(run(scenario, samples=0).values["guest.fault_fraction"] or 0))
    assert 0 < fractions[0] < fractions[1] / 3 < fractions[2] / 9
