"""`vmfailover presets`."""

from click.testing import CliRunner

from vmfailover.cli.main import main
from vmfailover.scenario.detection import DETECTION_PRESETS
from vmfailover.scenario.presets import HOST_PRESETS, preset_text


def test_lists_all_with_their_timers() -> None:
    lines = CliRunner().invoke(main, ["presets"]).stdout.splitlines()
    assert [line.split()[1] for line in lines[:-1]] == [*HOST_PRESETS, "cxl-64B", *DETECTION_PRESETS]
    assert "detection      hyper-v           heartbeat: silence 10 s, confirmation 4 min" in lines


def test_prints_one_with_its_sources() -> None:
    assert CliRunner().invoke(main, ["presets", "sentinel"]).stdout == preset_text("sentinel")


def test_one_that_there_is_not() -> None:
    result = CliRunner().invoke(main, ["presets", "none"])
    assert (result.exit_code, result.stderr) == (2, "error: none: no such preset; `vmfailover presets` lists them\n")
