"""What every test shares: simulated time must go on. And what the proofs have to tell at the end."""

import gc
from collections import Counter
from typing import Any

import pytest
import simpy

from vmfailover.engine.progress_guard import GuardedEnvironment


@pytest.fixture(autouse=True)
def time_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the product's guard end, rather than hang, every simulation in which no time passes."""
    monkeypatch.setattr(simpy, "Environment", GuardedEnvironment)


def pytest_collection_finish() -> None:
    """Keep the tests themselves, which stay to the end, from the collector of garbage: it takes a tenth of the time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let each process have whole files, whose tests share runs and figures that are made once."""
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False
    return LoadFileScheduling(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report published figures against simulated ones, and how many crashes struck in each phase of an epoch."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    properties = [each for report in reports for each in report.user_properties]
    tables = [value for name, value in properties if name == "validation"]
    if tables:
        terminalreporter.section("validation")
    for text in tables:
        terminalreporter.write_line(f"{text}\n")
    struck: Counter[str] = Counter()
    for name, value in properties:
        if name == "crashes" and isinstance(value, dict):
            struck.update(value)
    if struck:
        terminalreporter.section("crashes by phase")
    for phase, crashes in struck.most_common():
        terminalreporter.write_line(f"{crashes:6d}  {phase}")
