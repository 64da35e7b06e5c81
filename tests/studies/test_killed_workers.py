"""Studies whose workers are killed have every run all the same."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scenarios_for_tests import minute

from vmfailover.studies.comparison import compare
from vmfailover.studies.executors import InThisProcess, LocalProcesses
from vmfailover.studies.exploration import explore
from vmfailover.studies.progress import Progress
from vmfailover.studies.replication import replicate
from vmfailover.studies.sweep import sweep

SCENARIO = minute()


def compared(**options: Any) -> Any:
    columns = {
        name: SCENARIO.with_(**{"replication.protocol": name}) for name in ("cacheline-flags", "page-dirty-bits")
    }
    return compare(columns, replications=8, **options).runs


def explored(**options: Any) -> Any:
    return explore(SCENARIO, epochs=2, **options).results


def replicated(**options: Any) -> Any:
    return replicate(SCENARIO, 16, **options).runs


def swept(**options: Any) -> Any:
    return sweep(SCENARIO, {"replication.checkpoint_interval": "60us:400us:16"}, **options).to_dict()


@pytest.fixture
def pool() -> Iterator[LocalProcesses]:
    with LocalProcesses(2) as executor:
        yield executor


def workers() -> list[int]:
    """Return the processes that this one has started for its studies."""
    children = map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
    return [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


@pytest.mark.slow
@pytest.mark.parametrize("study", [compared, explored, replicated, swept])
def test_every_run_is_made(study: Callable[..., Any], pool: LocalProcesses) -> None:
    killed: list[int] = []

    def progress(done: int, of: int) -> None:  # noqa: ARG001 - what a study calls
        if len(killed) < 2 and done >= 2 + 4 * len(killed) and (there := workers()):
            killed.append(there[0])
            os.kill(there[0], signal.SIGKILL)

    told: Progress = progress
    assert study(executor=pool, progress=told) == study(executor=InThisProcess())
    assert killed
