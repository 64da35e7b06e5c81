"""`vmfailover migrate`: what it prints, keeps and refuses."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from vmfailover.cli.main import main
from vmfailover.scenario import load

SMALL = ("--memory", "512MiB", "--in-use", "256MiB", "--bandwidth", "1Gbit/s", "--downtime-limit", "100ms")
RATE = ("--dirty-rate", "40MB/s over 1s")


def migrate(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["migrate", *map(str, arguments)])


def test_it_answers_and_keeps_what_it_ran(tmp_path: Path) -> None:
    saved, figure = tmp_path / "s.yaml", tmp_path / "f.png"
    done = migrate(*SMALL, *RATE, "--against", "vrrp=3s", "--save", saved, "--figure", figure, "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["metrics"]["migration.converged"] is True
    assert told["rounds"][0]["round"] == 1
    assert told["against"] == {"vrrp": {"timeout_ns": 3_000_000_000, "bears": True}}
    assert load(saved).hash == told["scenario"]["hash"]
    assert figure.stat().st_size > 1000


def test_one_that_does_not_converge_exits_with_1() -> None:
    done = migrate(*SMALL, "--dirty-rate", "200MB/s over 1s", "--timeout", "5s")
    assert done.exit_code == 1
    assert "does not converge" in done.stdout
    assert "a link of 10.0 Gbit/s" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (RATE, "--memory: is missing"),
        (SMALL, "--dirty-rate: is missing"),
        ((*SMALL, "--dirty-rate", "x"), "'x'"),
        ((*SMALL, *RATE, "--against", "vrrp"), "--against vrrp"),
        ((*SMALL, *RATE, "--downtime-limit", "soon"), "downtime_limit"),
        ((*SMALL, *RATE, "--set", "seed=2"), "name one"),
    ],
)
def test_bad_input_is_a_line_and_exits_with_2(arguments: tuple[str, ...], text: str) -> None:
    done = migrate(*arguments)
    assert done.exit_code == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr
