"""What the READMEs say can be done: their commands are understood, and their Python runs."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from vmfailover.cli.main import main
from vmfailover.traces.format import open_trace

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    "scenarios/traces/README.md",
    "scenarios/guests/README.md",
    "vmfailover/README.md",
    ".github/CONTRIBUTING.md",
)
README = "".join((ROOT / path).read_text(encoding="utf-8") for path in PAGES)
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
#: Blocks that begin with the name of the file that they are.
FILES = {match[1]: block for block in BLOCKS if (match := re.match(r"# (\w+\.py)\n", block))}
SCRIPTS = [block for block in BLOCKS if block not in FILES.values()]
#: The one that is run with the quick tests.
QUICK_SCRIPT = 4
#: Commands of blocks, in one line each, and of tables and text.
COMMANDS = [
    *re.findall(r"^(?:\.venv/bin/)?(vmfailover [a-z].*)$", README.replace("\\\n", ""), re.MULTILINE),
    *re.findall(r"`(vmfailover [a-z]+ [^`]+ [^`]+)`", README),
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_understood(command: str) -> None:
    _, name, *arguments = shlex.split(command.split("  #")[0].replace(" ... ", " x=1 "))
    found = main.get_command(click.Context(main), name)
    if isinstance(found, click.Group):
        found = found.commands[arguments.pop(0)]
    assert found is not None
    found.make_context(name, arguments)


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(script, id=f"script{number}", marks=() if number == QUICK_SCRIPT else pytest.mark.slow)
        for number, script in enumerate(SCRIPTS)
    ],
)
def test_every_script_runs_as_it_stands(script: str, tmp_path: Path) -> None:
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    for name, text in {**FILES, "script.py": script}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")
    for name in re.findall(r'savefig\("(.+?)"\)', script):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    for path in tmp_path.glob("*.parquet"):
        assert open_trace(path).metadata.accesses
