"""`vmfailover schema`."""

import json

from click.testing import CliRunner

from vmfailover.cli.main import main
from vmfailover.records.events import Kind
from vmfailover.records.metric_names import METRICS


def test_prints_the_schema() -> None:
    result = CliRunner().invoke(main, ["schema"])
    assert result.exit_code == 0
    schema = json.loads(result.stdout)
    assert schema["title"] == "Scenario"
    assert schema["properties"]["duration"]["type"] == "string"


def test_defines_every_metric() -> None:
    result = CliRunner().invoke(main, ["schema", "--metrics"])
    assert result.exit_code == 0
    defined = json.loads(result.stdout)
    assert list(defined) == list(METRICS)
    assert defined["guest.slowdown"]["span"].startswith("from the start until")


def test_says_what_every_kind_of_event_means() -> None:
    result = CliRunner().invoke(main, ["schema", "--events"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {kind.value: kind.meaning for kind in Kind}
