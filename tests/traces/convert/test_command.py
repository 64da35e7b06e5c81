"""`vmfailover trace convert`: what it prints and writes, its exit codes, and what an interruption leaves."""

import json
import lzma
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from traces.convert.recordings import EXPECTED, FORMATS
from vmfailover.cli.main import main

LACKEY = FORMATS / "crlf.lackey"
#: What others read from the JSON.
KEYS = (
    "accesses", "loads", "stores", "instructions", "block_loads", "block_stores", "lines_touched", "pages_touched",
    "lines_written", "pages_written",
)  # fmt: skip


def command(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["trace", "convert", *map(str, arguments)], input=stdin)


@pytest.mark.parametrize("name", ["crlf.lackey", "ls.pinatrace.xz"])
def test_json_has_the_counts(tmp_path: Path, name: str) -> None:
    result = command(FORMATS / name, tmp_path / "out.parquet", "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert {key: told[key] for key in KEYS} == {key: EXPECTED[name][key] for key in KEYS}
    assert told["metadata"]["mapping"] == "first-touch"
    assert os.listdir(tmp_path) == ["out.parquet"]


def test_the_table_says_what_came_in_what_was_left_out_and_the_mapping(tmp_path: Path) -> None:
    result = command(FORMATS / "stderr-mixed.lackey", tmp_path / "out.parquet", "--tolerant", "--page", "2 MiB")
    rows = [line.rsplit(None, 1) for line in result.stdout.splitlines() if line]
    assert {("loads", "623"), ("block stores", "190"), ("straddle line", "0")} <= {
        (name, value) for name, value in rows
    }
    assert ["left out: lines that are no records", "5"] in rows
    assert ["mapping", "first-touch"] in rows
    assert "page of the mapping                  2 MiB" in result.stdout


def test_the_table_says_how_many_instructions_were_assumed(tmp_path: Path) -> None:
    rows = [
        line.split("  ") for line in command(FORMATS / "ls.pinatrace.xz", tmp_path / "a.parquet").stdout.splitlines()
    ]
    told = {row[0]: row[-1].strip() for row in rows}
    assert (told["instructions"], told["instructions an access stands for"]) == ("not told", "3")
    assert "stands for" not in command(LACKEY, tmp_path / "b.parquet").stdout


def test_trace_stats_shows_what_a_trace_says_of_itself(tmp_path: Path) -> None:
    command(LACKEY, tmp_path / "out.parquet")
    result = CliRunner().invoke(main, ["trace", "stats", str(tmp_path / "out.parquet")])
    assert result.exit_code == 0
    for told in ("virtual", "first-touch", "vmfailover trace convert --format lackey", "crlf.lackey"):
        assert told in result.stdout


def test_stdin_is_an_input(tmp_path: Path) -> None:
    plain = LACKEY.read_bytes()
    for content in (plain, lzma.compress(plain)):
        result = command("-", tmp_path / "out.parquet", "--json", stdin=content)
        assert json.loads(result.stdout)["accesses"] == EXPECTED["crlf.lackey"]["accesses"]


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    for arguments in ((LACKEY,), (LACKEY, tmp_path / "out.parquet"), (LACKEY, tmp_path / "none" / "out.parquet")):
        result = command(*arguments, "--dry-run", "--json")
        assert json.loads(result.stdout)["accesses"] == EXPECTED["crlf.lackey"]["accesses"]
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((FORMATS / "bad-label.din", "OUT"), f"{FORMATS / 'bad-label.din'}:2: "),
        ((FORMATS / "none", "OUT"), f"{FORMATS / 'none'}: no such file"),
        ((LACKEY, "NONE/out.parquet"), "there is no folder"),
        ((LACKEY, FORMATS), "is a folder"),
        ((LACKEY,), "Missing the file to write"),
        (("-", "-", "OUT"), "stdin can be read only once"),
        ((LACKEY, "OUT", "--memory", "4096"), "'4096' is not a size"),
        ((LACKEY, "OUT", "--format", "lackie"), "there is no format 'lackie'"),
        ((LACKEY, "OUT", "--threads", "only=1"), "no accesses"),
        ((LACKEY, "OUT", "--map", "random"), "--memory"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(tmp_path: Path, arguments: tuple[object, ...], told: str) -> None:
    given = [str(each).replace("OUT", str(tmp_path / "out.parquet")) for each in arguments]
    result = command(*(each.replace("NONE", str(tmp_path / "NONE")) for each in given))
    assert result.exit_code == 2
    assert told in result.stderr.lower() or told in result.stderr
    assert len(result.stderr.splitlines()) == 1 or "Usage:" in result.stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("signal_number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)]
)
def test_an_interruption_leaves_what_was_there_before(tmp_path: Path, signal_number: int, code: int) -> None:
    out = tmp_path / "out.parquet"
    out.write_text("an earlier trace")
    arguments = [sys.executable, "-m", "vmfailover", "trace", "convert", "-", str(out)]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin
    process.stdin.write(b" L 1000,8\n" * 400_000)
    process.stdin.flush()
    while len(os.listdir(tmp_path)) == 1 and process.poll() is None:
        time.sleep(0.01)
    time.sleep(0.5)
    process.send_signal(signal_number)
    assert process.wait(60) == code
    process.stdin.close()
    assert os.listdir(tmp_path) == ["out.parquet"]
    assert out.read_text() == "an earlier trace"
