"""Processes of studies: they do not run the user's script again, and know the protocols that it has registered."""

import subprocess
import sys
from pathlib import Path

import pytest

HEAD = f"import sys; sys.path[:0] = {[path for path in sys.path if path]!r}; print('script', flush=True)\n"
SWEEP = """
import vmfailover as vf
from scenarios_for_tests import minute

def swept(scenario=minute()):
    found = vf.sweep(scenario, {"replication.checkpoint_interval": ["80us", "90us"]}, jobs=2)
    print(len(found.frame), "points", found.failed, "failed")
"""
PROTOCOL = """
from vmfailover.replication.protocols.page_dirty_bits import PageDirtyBitsSettings
from vmfailover.replication.protocols.page_dirty_bits.protection import PageDirtyBits
from vmfailover.scenario.replication import Replication

class Mine(PageDirtyBits):
    pass

class Settings(PageDirtyBitsSettings):
    code = f"{__name__}:Mine"

Replication.kinds["mine"] = Settings
"""
MINE = 'swept(minute().with_(**{"replication.protocol": "mine"}))'


def printed(folder: Path, script: str) -> list[str]:
    (folder / "script.py").write_text(HEAD + script, encoding="utf-8")
    done = subprocess.run([sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.slow
def test_a_script_needs_no_guard_and_runs_once(tmp_path: Path) -> None:
    assert printed(tmp_path, SWEEP + "swept()") == ["script", "2 points 0 failed"]


@pytest.mark.slow
def test_a_protocol_of_a_module_is_known_to_them(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PROTOCOL, encoding="utf-8")
    assert printed(tmp_path, SWEEP + "import mine\n" + MINE) == ["script", "2 points 0 failed"]


@pytest.mark.slow
def test_a_protocol_of_the_script_itself_makes_them_run_it_too(tmp_path: Path) -> None:
    guarded = f"if __name__ == '__main__':\n    {MINE}"
    *scripts, last = printed(tmp_path, SWEEP + PROTOCOL + guarded)
    assert last == "2 points 0 failed"
    said = "".join(scripts)  # lines of several processes may run into each other
    assert said == "script" * said.count("script")
    assert said.count("script") > 1
