"""What all studies have in common."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from scenarios_for_tests import minute

from vmfailover.scenario import Scenario
from vmfailover.studies.executors import InThisProcess, LocalProcesses
from vmfailover.studies.study import ScenarioStudy, interruption, study_pool
from vmfailover.version import version


@dataclass(frozen=True)
class Answer(ScenarioStudy):
    """The least that a study has to say."""

    SCHEMA_VERSION = 7

    scenario: Scenario
    value: float
    interrupted: bool = False

    def _findings(self) -> dict[str, Any]:
        return {**interruption(self.interrupted), "value": self.value}


def test_the_document_begins_with_the_header() -> None:
    scenario = minute()
    whole = json.loads(Answer(scenario, 4.5).to_json())
    about = {"name": scenario.name, "hash": scenario.hash}
    assert list(whole.items()) == [
        ("schema_version", 7),
        ("vmfailover_version", version()),
        ("scenario", about),
        ("value", 4.5),
    ]
    assert list(Answer(scenario, 4.5, interrupted=True).to_dict())[3:] == ["interrupted", "value"]


def test_a_number_that_json_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        Answer(minute(), float("nan")).to_json()


def test_what_is_given_is_used() -> None:
    seen: list[tuple[int, int]] = []
    executor = InThisProcess()
    with study_pool("trying", executor, lambda done, of: seen.append((done, of))) as (pool, told):
        assert pool is executor
        told(2, 3)
    assert seen == [(2, 3)]


@pytest.mark.parametrize(("jobs", "kind"), [(1, InThisProcess), (2, LocalProcesses)])
def test_processes_are_as_many_as_asked_for(jobs: int, kind: type) -> None:
    with study_pool("trying", None, None, jobs) as (pool, told):
        assert type(pool) is kind
        told(1, 1)
