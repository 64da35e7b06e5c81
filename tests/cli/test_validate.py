"""`vmfailover validate`."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from vmfailover.cli.main import main


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.yaml"
    assert CliRunner().invoke(main, ["init", str(path)]).exit_code == 0
    return path


def test_a_good_file(good: Path) -> None:
    result = CliRunner().invoke(main, ["validate", str(good)])
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{good}: ok\n", "")


def test_all_files_are_checked(good: Path, tmp_path: Path) -> None:
    bad, missing = tmp_path / "bad.yaml", tmp_path / "missing.yaml"
    bad.write_text(good.read_text().replace("cacheline-flags", "cachline-flags"))
    result = CliRunner().invoke(main, ["validate", str(missing), str(bad), str(good)])
    assert result.exit_code == 2
    assert result.stdout == f"{good}: ok\n"
    first, second = result.stderr.splitlines()
    assert first == f"{missing}: cannot be read: no such file or directory"
    assert second.startswith(f"{bad}:")
    assert second.endswith("replication.protocol: 'cachline-flags' is unknown; did you mean 'cacheline-flags'?")


def test_overrides(good: Path) -> None:
    arguments = ["validate", str(good), "--set", "seed=4", "--set", "failures.0.at=7"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert result.stderr == f"{good}: --set failures.0.at: 7 has no unit; give it one, for example '5 ms'\n"


def test_a_file_is_needed() -> None:
    assert CliRunner().invoke(main, ["validate"]).exit_code == 2
