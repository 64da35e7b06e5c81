"""A scenario as a file."""

from pathlib import Path
from typing import Any

from vmfailover.scenario.loading import document_of
from vmfailover.scenario.scenario import Scenario


def as_written(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as the plain data of a file, with what was written in it and no defaults.

    A trace is where it is on this machine.
    """
    data = scenario.model_dump(mode="json", exclude_unset=True)
    if scenario.trace_path is not None:
        data["workload"]["trace"] = scenario.trace_path
    return data


def write_scenario(scenario: Scenario, path: Path) -> None:
    """Write a scenario as a file that can be run from anywhere on this machine."""
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = None
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(as_written(scenario), file)


def read_back(path: Path) -> Scenario:
    """Return a scenario that `write_scenario` has written, maybe elsewhere: its trace need not be there any more.

    Raises ScenarioError if it cannot be read or is not a scenario.
    """
    return Scenario.from_document(document_of(path), path, known_to_fit=True)
