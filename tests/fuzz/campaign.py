"""A search over many numbers: batches in processes of their own, each of which may hang, die or run out of memory."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from .trial import LIMIT_S

#: Scenarios in a process, every tenth of which is run again with another hash seed and with two jobs.
BATCH = 100
TENTH = 10
#: Wall time after which a process that says nothing is ended: it is in compiled code, where no limit is seen.
SILENCE_S = 15 * LIMIT_S
DIES, HASH_SEED, JOBS = "a_run_does_not_kill_its_process", "the_same_bytes_for_any_hash_seed", "the_same_for_two_jobs"


@dataclass(frozen=True)
class Finding:
    """A broken law."""

    seed: int
    law: str
    text: str
    protocol: str = ""

    def __str__(self) -> str:
        """Say it in a line."""
        return f"seed {self.seed} ({self.protocol}): {self.law}: {self.text}"


@dataclass(frozen=True)
class Outcome:
    """What came of one number."""

    seed: int
    findings: tuple[Finding, ...]
    seconds: float = 0.0
    refused: int = 0
    digest: str = ""


def search(seeds: Sequence[int], jobs: int, tell: Callable[[Outcome], None]) -> list[Outcome]:
    """Try all scenarios of these numbers; `tell` is called with each outcome as it comes."""
    batches = [seeds[first : first + BATCH] for first in range(0, len(seeds), BATCH)]
    lock = threading.Lock()

    def outcomes(part: Sequence[int]) -> list[Outcome]:
        found = []
        for outcome in _batch(part):
            found.append(outcome)
            with lock:
                tell(outcome)
        return found

    with ThreadPoolExecutor(jobs) as pool:
        return [outcome for found in pool.map(outcomes, batches) for outcome in found]


def searched(seeds: Sequence[int]) -> list[str]:
    """Return every finding among these numbers, a line each."""
    outcomes: list[Outcome] = []
    search(seeds, 1, outcomes.append)
    return [str(finding) for outcome in outcomes for finding in outcome.findings]


def _batch(seeds: Sequence[int]) -> Iterator[Outcome]:
    """Yield what came of each number, and of some of them again."""
    digests: dict[int, str] = {}
    left = list(seeds)
    while left:
        running, status = left[0], 0
        for line in lines(["batch", *map(str, left)]):
            running = line.get("begins", running)
            status = line.get("status", 0)
            if "digest" in line:
                left.remove(line["seed"])
                digests[line["seed"]] = line["digest"]
                yield _outcome(line)
        if left:
            left.remove(running)
            yield Outcome(running, (Finding(running, DIES, f"its process ended with {status}"),))
    ended = [seed for seed in seeds if seed % TENTH == 0 and digests.get(seed)]
    if ended:
        again = [*differing_by_hash_seed(ended, digests), *differing_by_jobs(ended)]
        yield from (Outcome(each.seed, (each,)) for each in again)


def _outcome(line: dict[str, Any]) -> Outcome:
    seed, protocol = line["seed"], line["protocol"]
    findings = tuple(Finding(seed, name, text, protocol) for name, text in line["findings"])
    return Outcome(seed, findings, line["seconds"], line["refused"], line["digest"])


def differing_by_hash_seed(seeds: Sequence[int], digests: dict[int, str]) -> Iterator[Finding]:
    """Yield those of the numbers whose runs are other bytes with another hash seed."""
    told = lines(["again", *map(str, seeds)], hash_seed="4711")
    found = {line["seed"]: line["digest"] for line in told if "seed" in line}
    for seed in seeds:
        if found.get(seed) != digests[seed]:
            yield Finding(seed, HASH_SEED, f"{digests[seed]} and {found.get(seed)}")


def differing_by_jobs(seeds: Sequence[int]) -> Iterator[Finding]:
    """Yield those of the numbers whose runs give other metrics when two processes share them."""
    for line in lines(["shared", *map(str, seeds)]):
        if "seed" in line:
            yield Finding(line["seed"], JOBS, "two processes give other metrics")
        elif line["status"]:
            yield Finding(seeds[0], JOBS, f"the processes ended with {line['status']}")


def lines(arguments: Sequence[str], hash_seed: str = "0") -> Iterator[dict[str, Any]]:
    """Yield what a batch prints, and its status at the end; it is ended when it says nothing for too long."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-m", f"{__package__}.batch", *arguments]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        watch = _Watch(process)
        for line in process.stdout:
            watch.start_again()
            yield json.loads(line)
        watch.end()
    yield {"status": process.returncode}


class _Watch:
    """Ends a process that says nothing for too long."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._timer = self._started()

    def _started(self) -> threading.Timer:
        timer = threading.Timer(SILENCE_S, self._process.kill)
        timer.daemon = True
        timer.start()
        return timer

    def start_again(self) -> None:
        self._timer.cancel()
        self._timer = self._started()

    def end(self) -> None:
        self._timer.cancel()
