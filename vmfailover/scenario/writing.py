"""A scenario as a file."""

from io import StringIO
from pathlib import Path
from typing import Any

from vmfailover.scenario.reading import document_of
from vmfailover.scenario.scenario import Scenario


def as_written(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as the plain data of a file, with what was written in it and no defaults.

    A trace is where it is on this machine.
    """
    data = scenario.model_dump(mode="json", exclude_unset=True)
    if scenario.trace_path is not None:
        data["workload"][scenario.workload.file_key] = scenario.trace_path
    return data


def write_scenario(scenario: Scenario, path: Path) -> None:
    """Write a scenario, with all values of its presets, as a file that can be run from anywhere on this machine."""
    path.write_text(yaml_of(as_written(scenario)), encoding="utf-8")


def text_of(scenario: Scenario) -> str:
    """Return a scenario as its author wrote it, but for overrides, and for the folder of a trace."""
    source = scenario.source
    if scenario.trace_path is not None:
        source["workload"][scenario.workload.file_key] = Path(scenario.trace_path).name
    return yaml_of(source)


def yaml_of(data: dict[str, Any]) -> str:
    """Return plain data as the text of a file."""
    from ruamel.yaml import YAML

    yaml, text = YAML(), StringIO()
    yaml.default_flow_style = None
    yaml.width = 100
    yaml.dump(data, text)
    return text.getvalue()


def read_back(path: Path) -> Scenario:
    """Return a scenario that `write_scenario` has written, maybe elsewhere: its trace need not be there any more.

    Raises ScenarioError if it cannot be read or is not a scenario.
    """
    return Scenario.from_document(document_of(path), path, known_to_fit=True)
