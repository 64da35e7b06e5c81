"""`vmfailover schema`."""

import json

from click.testing import CliRunner

from vmfailover.cli.main import main


def test_prints_the_schema() -> None:
    result = CliRunner().invoke(main, ["schema"])
    assert result.exit_code == 0
    schema = json.loads(result.stdout)
    assert schema["title"] == "Scenario"
    assert schema["properties"]["duration"]["type"] == "string"
