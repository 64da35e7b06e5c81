"""Whatever is given to whatever option of whatever command: a line and an exit code, and never a traceback."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import click
import pytest
from click.testing import CliRunner, Result
from scenarios_for_tests import minute

from vmfailover.cli.main import COMMANDS, main
from vmfailover.scenario.writing import write_scenario

VALUES = (
    "",
    " ",
    "\0",
    "\udc80",
    "\ud83d",
    "a\nb",
    "::error::x",
    "\x1b[2J",
    "x" * 300,
    "x" * 5000,
    "a/" * 3000,
    "/",
    ".",
    "/dev/full",
    "/proc/self/mem",
    "/etc/passwd/x",
    "LOOP",
    "BINARY",
    "-1",
    "0",
    "nan",
    "inf",
    "1e999",
    "9" * 5000,
    "²",
    "=",
    "a=b",
    "seed=",
    "seed=[",
    "seed=&a",
    "seed=!x",
    "seed=9" + "9" * 5000,
    "name=\ud83d",
    "seed=1:2:1e9",
    "seed=1:2",
    "seed=nan:inf",
    "link.latency=-1us:1us:2",
    "failures.99999.at=1ms",
    "vm=",
    "hosts.primary.preset=power9",
    "{}",
    "all,",
    ",",
    "mean:nan%",
    "mean:1e999%",
    "failover.latency_ns ±nan %",
    "failover.latency_ns < nan",
    "guest.slowdown.p99.9999",
    "host-crash:moon",
    "1 B",
    "1e99 h",
    "tcp://",
    "tcp://[::",
)
#: What makes a command quick, and lets it get to its work; a hostile value comes on top.
USUAL: dict[str, tuple[str, ...]] = {
    "run": ("SCENARIO",),
    "compare": ("SCENARIO", "--replications", "1", "--jobs", "1"),
    "sweep": ("SCENARIO", "-p", "seed=1,2", "--jobs", "1"),
    "sensitivity": (
        "SCENARIO",
        "--vary",
        "seed=1:3",
        "--vary",
        "link.latency=1us:9us",
        "--samples",
        "2",
        "--jobs",
        "1",
    ),
    "tune": ("SCENARIO", "--trials", "1", "--replications", "1", "--confirm", "2", "--jobs", "1"),
    "check": ("SCENARIO", "--replications", "1", "--jobs", "1"),
    "explore": ("SCENARIO", "--epochs", "1", "--faults", "vm-crash", "--jobs", "1"),
    "availability": ("SCENARIO", "--failures", "10", "--failovers", "1", "--replications", "2", "--jobs", "1"),
    "explain": ("SCENARIO",),
    "validate": ("SCENARIO",),
    "schema": (),
    "init": ("new.yaml",),
    "presets": (),
    "report": ("out",),
    "migrate": ("--memory", "64MiB", "--dirty-rate", "1MB/s over 1s", "--bandwidth", "1Gbit/s"),
    "trace stats": ("TRACE",),
    "trace convert": ("LACKEY", "new.parquet"),
    "trace capture": ("--process", "--limit", "9", "--out", "new.parquet", "--", "true"),
    "trace fit": ("--dirty-rate", "80MB/s over 10ms", "--in-use", "1GiB", "--out", "new.yaml"),
    "trace generate": ("SCENARIO", "new.parquet", "--accesses", "9"),
    "bench": ("SCENARIO", "--repeat", "1"),
}
#: Values of each option that are tried when time is short.
SOME = 2
#: Commands that work for seconds if a value is not refused, and whose options others have too.
SLOW = ("bench", "explore", "sensitivity", "tune", "availability", "migrate", "trace stats", "trace capture")


def commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(main)
    for name in COMMANDS:
        command = main.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", each) for inner, each in command.commands.items())
        else:
            yield name, command


def arguments_with(command: str, parameter: click.Parameter, value: str) -> list[str]:
    """Return the usual arguments of a command with one of them hostile."""
    usual = list(USUAL[command])
    at = usual.index("--") if "--" in usual else len(usual)
    if isinstance(parameter, click.Argument):
        return [value, *usual[1:]] if at == len(usual) else [*usual[:at], "--", value]
    return [*usual[:at], parameter.opts[-1], value, *usual[at:]]


CASES = [
    pytest.param(name, parameter, id=f"{name} {parameter.opts[-1]}")
    for name, command in commands()
    for parameter in command.params
    if isinstance(parameter, click.Argument) or not (isinstance(parameter, click.Option) and parameter.is_flag)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a scenario and with what is none."""
    path = tmp_path_factory.mktemp("hostile")
    (path / "LOOP").symlink_to("LOOP")
    (path / "BINARY").write_bytes(bytes(range(256)))
    (path / "LACKEY").write_text(" L 1000,8\n")
    write_scenario(
        minute().with_(duration="500 us", failures=[{"at": "200 us", "kind": "host-crash"}]), path / "SCENARIO"
    )
    return path


@pytest.fixture
def here(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for entry in folder.iterdir():
        (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / "TRACE").symlink_to(Path(__file__).parents[1] / "cases" / "zero-instructions.parquet")
    monkeypatch.chdir(tmp_path)


def require_a_line(result: Result, arguments: list[str]) -> None:
    """Require that a command has ended as users are promised."""
    assert result.exit_code in (0, 1, 2), (arguments, result.output, result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit), arguments
    told = result.stdout + result.stderr
    assert "Traceback" not in told, (arguments, told)
    assert "a defect of vmfailover" not in told, (arguments, told)
    assert not any(line.startswith("::") for line in told.splitlines()), (arguments, told)
    assert result.exit_code == 0 or result.stderr, arguments


def require_lines(command: str, parameter: click.Parameter, values: Sequence[str]) -> None:
    for value in values:
        arguments = [*command.split(), *arguments_with(command, parameter, value)]
        require_a_line(CliRunner().invoke(main, arguments), arguments)


@pytest.mark.slow
@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("command", "parameter"), CASES)
def test_every_value_is_taken_or_refused(command: str, parameter: click.Parameter) -> None:
    require_lines(command, parameter, VALUES)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("command", "parameter"), [case for case in CASES if case.values[0] not in SLOW])
def test_some_values_are_taken_or_refused(command: str, parameter: click.Parameter) -> None:
    require_lines(command, parameter, Random(f"{command} {parameter.name}").sample(VALUES, SOME))


def test_every_command_is_tried() -> None:
    assert USUAL.keys() == {name for name, _ in commands()}
