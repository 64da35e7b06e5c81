"""Inputs that once did harm, each in a file of tests/cases or a command here."""

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from marks import mostly_slow
from scenarios_for_tests import minute

from vmfailover.cli.main import main
from vmfailover.errors import InputError
from vmfailover.scenario import load
from vmfailover.scenario.document import parse
from vmfailover.scenario.writing import write_scenario
from vmfailover.traces.accesses import AccessChunk
from vmfailover.traces.format import Columns, TraceMetadata, open_trace, write_trace

CASES = Path(__file__).parents[1] / "cases"
LONG = "x" * 300


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.yaml"
    write_scenario(minute(), path)
    return path


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def refusal(*arguments: object) -> str:
    """Return the one line with which a command refuses its input; `check` lists too what it has not checked."""
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert not result.stdout or (arguments[0] == "check" and "not checked" in result.stdout)
    (line,) = result.stderr.splitlines()
    return line


@pytest.mark.parametrize("command", ["validate", "run"])
def test_a_trace_without_instructions(command: str) -> None:
    path = CASES / "zero-instructions.yaml"
    told = "its records execute no instruction, so time would never go on; record or convert it again"
    trace = CASES / "zero-instructions.parquet"
    assert refusal(command, path) == f"{path}:6:19: workload.trace: {trace}: {told}"


@pytest.mark.parametrize("command", ["validate", "run"])
def test_numbers_that_overflow_together(command: str) -> None:
    path = CASES / "overflow.yaml"
    assert refusal(command, path) == (
        f"{path}:8:72: workload.instructions_per_access: what is executed between two accesses, at 1e+09 cycles "
        "each of 1 Hz, takes 1e+18 s; no step of the guest may take more than 100 s; make it shorter"
    )


@pytest.fixture(scope="module")
def crumbs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trace of a thousand row groups of one record."""
    path = tmp_path_factory.mktemp("crumbs") / "crumbs.parquet"
    one = np.ones(1000, np.uint32)
    columns = Columns(np.zeros(1000, np.uint8), np.arange(1000, dtype=np.uint32), np.ones(1000, np.uint8), one, 3 * one)
    write_trace(path, [columns], TraceMetadata(memory_bytes=1 << 24, vcpus=1, source="a test"))
    pq.write_table(pq.read_table(path), path, row_group_size=1)
    return path


def test_a_thousand_row_groups_of_one_record(crumbs: Path) -> None:
    began = time.monotonic()
    trace = open_trace(crumbs)
    chunks: list[AccessChunk] = list(trace.chunks(0))
    assert [(chunk.first, chunk.records) for chunk in chunks] == [(0, 1000)]
    trace.KEEP_RECORDS = 0
    assert [(chunk.first, chunk.records) for chunk in trace.chunks(0, 10)] == [(10, 990)]
    assert time.monotonic() - began < 10


def test_a_pair_of_surrogates_is_a_character() -> None:
    assert parse((CASES / "surrogate.json").read_text(), "x").data == {"name": "😀 x"}
    assert parse((CASES / "surrogate-name.yaml").read_text(), "x").data["name"] == "😀"
    line = refusal("validate", CASES / "surrogate-trace.yaml")
    assert "workload.trace" in line
    assert "tra😀ces/redis-set.parquet: does not exist" in line


@pytest.mark.parametrize(
    ("text", "place"),
    [('name: "\\ud83d"', "1:7"), ('a: 1\n"\\ude00b": 2', "2:1"), ('[1, "\\ude00\\ud83d"]', "1:5")],
)
def test_half_a_pair_of_surrogates_is_refused(text: str, place: str) -> None:
    with pytest.raises(InputError, match=f"^x:{place}: .* has half of a surrogate pair"):
        parse(text, "x")


def test_a_name_that_would_command_a_build() -> None:
    path = CASES / "gh-annotation.yaml"
    assert refusal("check", path) == (
        f"{path}:2:7: name: has the control character U+000A, which could steer what shows it; leave it out"
    )


@pytest.mark.slow
def test_markup_is_text_wherever_it_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(CASES / "html-injection.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    result = invoke("check", "html-injection.yaml", "--replications", "1", "--jobs", "1", "--junit", "junit.xml")
    assert result.exit_code == 1
    assert "::error file=html-injection.yaml,title=vmfailover%3A <script>" in result.stdout
    assert "<script>" not in (tmp_path / "summary.md").read_text()
    assert "<script>" not in (tmp_path / "junit.xml").read_text()
    assert invoke("run", "html-injection.yaml", "--out", "out").exit_code == 0
    assert invoke("report", "out").exit_code == 0
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<script>alert" not in page
    assert "<img src=x" not in page


CONTROLS = ["\n", "\r", "\t", "\x00", "\x07", "\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\u2029", "\u202e", "\u2066"]


@pytest.mark.parametrize("letter", CONTROLS)
def test_control_characters_are_refused_in_keys_and_texts(letter: str, scenario: Path) -> None:
    escaped = f"\\u{ord(letter):04x}"
    text = scenario.read_text()
    lines = len(text.splitlines())
    scenario.write_text(
        f'{text}expect: {{"image{escaped}consistent": "== true", "image.consistent": "== true{escaped}"}}\n'
    )
    result = invoke("validate", scenario)
    assert result.exit_code == 2
    key, value = result.stderr.splitlines()
    assert key.startswith(f"{scenario}:{lines + 1}:10: expect.image")
    assert value.startswith(f"{scenario}:{lines + 1}:66: expect.image.consistent: has the control character U+")
    assert f"U+{ord(letter):04X}" in key
    assert f"U+{ord(letter):04X}" in value


def test_a_description_has_lines_and_nothing_else_does(scenario: Path) -> None:
    assert load(scenario, ['description="two\\nlines,\\tand a tab"']).description == "two\nlines,\tand a tab"
    with pytest.raises(InputError, match=r"U\+001B"):
        load(scenario, ['description="\\e[2J"'])
    with pytest.raises(InputError, match=r"name: has the control character U\+0009,"):
        load(scenario).with_(name='"a\\tb"')


def test_the_name_of_a_file_does_not_command_a_build(scenario: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scenario.parent)
    name = "x\n::error ::pwned.yaml"
    shutil.copy(scenario, name)
    missing = "y\n::error ::pwned.yaml"
    for result in (invoke("validate", name, missing), invoke("check", name, "--junit", f"{name}.d/x")):
        assert not any(line.startswith("::") for line in result.output.splitlines())


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", LONG),
        ("validate", LONG),
        ("check", LONG),
        ("trace", "stats", LONG, "--hierarchy", "power8"),
        ("report", LONG),
        ("init", LONG),
        ("check", "SCENARIO", "--baseline", LONG, "--replications", "1"),
        ("check", "SCENARIO", "--junit", LONG),
        ("check", "SCENARIO", "--update-baseline", "--baseline", LONG),
        ("run", "SCENARIO", "--out", LONG),
        ("run", "SCENARIO", "--perfetto", LONG),
        ("compare", "SCENARIO", "--out", LONG),
        ("explore", "SCENARIO", "--out", LONG),
        ("sweep", "SCENARIO", "-p", "seed=1,2", "--out", LONG),
    ],
)
def test_names_that_are_too_long(arguments: tuple[str, ...], scenario: Path) -> None:
    line = refusal(*(str(scenario) if argument == "SCENARIO" else argument for argument in arguments))
    assert LONG in line
    assert "file name too long" in line.lower()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("-p", "duration=1ms:9999h:3"), "duration=1ms:9999h: '9999h' is beyond the limit of 2 h"),
        (("-p", "seed=1:10:100000000"), "makes 100000000 points; at most 100000 can be run at once, so write fewer"),
        (("-p", "seed=1:9:400", "-p", "link.latency=1us:9us:400"), "makes 160000 points"),
        (("-p", f"seed=1:9:{'9' * 5000}"), "write LO:HI:N[:log] with N of at least 2"),
        (("-p", "seed=1:1e999:3"), "'1e999' is too large a number"),
        (("-p", "seed=1:9", "--design", "latin-hypercube", "--points", "1000000000000"), "makes 1000000000000 points"),
        (("-p", "seed=1,2", "--dask", "foo"), "--dask foo: is not the address of a scheduler; write tcp://HOST:PORT"),
        (("-p", "seed=1,2", "--dask", "tls://127.0.0.1:1"), "write tcp://HOST:PORT"),
    ],
)
def test_sweeps_that_cannot_be(arguments: tuple[str, ...], told: str, scenario: Path) -> None:
    line = refusal("sweep", scenario, *arguments)
    assert line.startswith("error: ")
    assert told in line
    assert len(line) < 300


@pytest.mark.parametrize("width", ["nan %", "inf %", "-3 %", "0 %", "0", "1e999 %", "nan", "0 ns"])
def test_widths_that_are_never_or_always_reached(width: str, scenario: Path) -> None:
    assert "--until" in refusal("run", scenario, "--until", f"failover.latency_ns ±{width}")


def test_more_runs_than_anybody_makes(scenario: Path) -> None:
    keys = ("--vary", "seed=1:3", "--vary", "link.latency=1us:2us")
    assert "makes 4000000 points" in refusal("sensitivity", scenario, *keys, "--samples", "1000000")
    assert "not a number" in invoke("availability", scenario, "--weibull-shape", "nan").stderr


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "PIPE"),
        ("validate", "PIPE"),
        ("trace", "stats", "PIPE"),
        ("trace", "stats", "TRACE", "--log", "PIPE"),
        ("report", "PIPE"),
        pytest.param(("report", "DIR", "--output", "PIPE"), marks=pytest.mark.slow),
        ("check", "SCENARIO", "--baseline", "PIPE"),
        ("check", "SCENARIO", "--junit", "PIPE"),
        ("run", "SCENARIO", "--perfetto", "PIPE"),
        ("run", "SCENARIO", "--out", "PIPE"),
        ("init", "PIPE"),
    ],
)
def test_a_pipe_is_not_waited_for(
    arguments: tuple[str, ...], scenario: Path, pipe: Path, crumbs: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    if "DIR" in arguments:
        assert invoke("run", scenario, "--out", tmp_path / "out").exit_code == 0
    words = {"PIPE": pipe, "SCENARIO": scenario, "TRACE": crumbs, "DIR": tmp_path / "out"}
    line = refusal(*(words.get(argument, argument) for argument in arguments))
    assert str(pipe) in line


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero", "/dev/tty"])
def test_a_device_is_no_input_and_stays_one(device: str, scenario: Path, crumbs: Path) -> None:
    assert device in refusal("run", device)
    assert device in refusal("check", scenario, "--baseline", device)
    assert device in refusal("trace", "stats", crumbs, "--log", device)
    assert Path(device).is_char_device()


def test_what_a_build_reads_from_stdout_can_go_there(scenario: Path) -> None:
    assert invoke("run", scenario, "--perfetto", "/dev/null").exit_code == 0
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("columns", mostly_slow(["0", "1", "-5", "many", "²", "9" * 30], "0", "9" * 30))
def test_tables_are_printed_whatever_a_terminal_is_said_to_be(
    columns: str, scenario: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    result = invoke("run", scenario)
    assert result.exit_code == 0
    assert "Every invariant holds." in result.stdout
    assert json.loads(invoke("run", scenario, "--json").stdout)["seed"] == 7


COMMANDING = ["::error file=x::pwned", "x  ::set-output name=a::b " * 7, "##[error]pwned", "a ##vso[task.complete]"]


@pytest.mark.parametrize("name", mostly_slow(COMMANDING, COMMANDING[0]))
@pytest.mark.parametrize(
    "command",
    [
        ("run",),
        ("run", "--replications", "2"),
        ("compare", "--replications", "1"),
        ("check", "--replications", "1"),
        ("sweep", "-p", "seed=1,2"),
        ("explore", "--epochs", "1", "--faults", "vm-crash"),
    ],
    ids=" ".join,
)
def test_a_name_is_no_command_to_a_build_that_shows_it(name: str, command: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    write_scenario(minute().with_(name=json.dumps(name), expect={"image.consistent": "== true"}), path)
    result = invoke(command[0], path, *command[1:], *(("--jobs", "1") if len(command) > 1 else ()))
    assert result.exit_code == 0
    for line in result.output.splitlines():
        assert not line.lstrip().startswith("::"), line
        assert "##[" not in line, line
        assert "##vso[" not in line, line
