"""The search over many numbers: every one has an outcome, whatever becomes of the process that tries it."""

import os
import subprocess
import sys
import time
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path

import pytest
from scenarios_for_tests import brief

from vmfailover.studies.executors import InThisProcess

from . import __main__ as program
from . import campaign
from .batch import batch, differing
from .campaign import DIES, HASH_SEED, Finding, Outcome, differing_by_hash_seed, search
from .scenarios import drawn
from .trial import Trial, tried

#: A number whose run is short.
QUICK = 3


def test_a_batch_tells_what_begins_and_what_came_of_it() -> None:
    begins, came = batch([QUICK])
    assert begins == {"begins": QUICK}
    assert came["seed"] == QUICK
    assert came["digest"] == tried(drawn(QUICK).scenario).digest
    assert came["protocol"] == drawn(QUICK).scenario.replication.protocol


@pytest.mark.slow
def test_a_run_in_another_process_with_another_hash_seed_is_compared() -> None:
    digest = tried(drawn(QUICK).scenario).digest
    assert not list(differing_by_hash_seed([QUICK], {QUICK: digest}))
    (finding,) = differing_by_hash_seed([QUICK], {QUICK: "another"})
    assert (finding.seed, finding.law) == (QUICK, HASH_SEED)


def test_a_run_that_a_pool_makes_otherwise_is_found() -> None:
    sound = tried(brief())
    assert sound.seen is not None
    other = replace(sound, seen=replace(sound.seen, metrics={**sound.seen.metrics, "log.scan": -1}))
    unended = Trial((("some law", "broken"),))
    pool: Executor = InThisProcess()
    assert list(differing([(1, sound), (2, other), (3, unended)], pool)) == [2]


def test_a_process_that_says_nothing_is_ended_and_every_number_has_an_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "SILENCE_S", 0.02)
    told: list[Outcome] = []
    outcomes = search([4, 5], jobs=2, tell=told.append)
    assert told == outcomes
    died = Finding(4, DIES, "its process ended with -9")
    assert [each.findings for each in outcomes] == [(died,), (replace(died, seed=5),)]


def test_the_program_tells_what_it_finds(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    found = Outcome(1, (Finding(1, "a_law", "it is broken", "undo-log"),), seconds=0.1)
    outcomes = [Outcome(0, (), seconds=0.2, digest="f"), found]

    def searched(seeds: range, jobs: int, tell: program.Teller) -> None:
        assert (seeds, jobs) == (range(2), 3)
        for outcome in outcomes:
            tell(outcome)

    monkeypatch.setattr(program, "search", searched)
    assert program.main(["--count", "2", "--jobs", "3"]) == 1
    printed = capsys.readouterr().out
    assert "seed 1 (undo-log): a_law: it is broken" in printed
    assert "2 runs" in printed
    assert "a_law, it is broken: 1 scenarios: 1" in printed
    outcomes.pop()
    assert program.main(["--count", "2", "--jobs", "3"]) == 0
    assert "every law holds" in capsys.readouterr().out


@pytest.mark.slow
def test_a_batch_ends_with_its_parent() -> None:
    script = (
        "import os, subprocess, sys\n"
        f"command = [sys.executable, '-m', '{__package__}.batch', 'batch', *map(str, range(10_000))]\n"
        "process = subprocess.Popen(command, stdout=subprocess.DEVNULL)\n"
        "print(process.pid, flush=True)\n"
        "input()\n"
        "os._exit(0)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        batch_id = int(parent.stdout.readline())
        time.sleep(5.0)
        os.kill(batch_id, 0)
        parent.communicate("\n")
    until = time.monotonic() + 30.0
    while Path(f"/proc/{batch_id}").exists():
        assert time.monotonic() < until
        time.sleep(0.1)
