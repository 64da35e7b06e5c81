"""Scenarios on trial in a process of their own, one after the other: a line of JSON for each on its output.

A line that begins a scenario tells its number before it runs, so that whoever waits knows which one never ended.
"""

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from typing import Any

from vmfailover.results.metrics import WALL_CLOCK
from vmfailover.studies.executors import local_processes
from vmfailover.studies.runs import Task, run_all

from .scenarios import drawn
from .trial import Trial, tried

#: Memory that such a process may take, bytes.
MOST_MEMORY = 8 * 10**9


def batch(seeds: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Yield, for each number, that it begins, and what came of it."""
    for seed in seeds:
        yield {"begins": seed}
        began = time.perf_counter()
        one = drawn(seed)
        trial = tried(one.scenario)
        yield {
            "seed": seed,
            "protocol": one.scenario.replication.protocol,
            "seconds": round(time.perf_counter() - began, 3),
            "refused": len(one.refused),
            "findings": trial.findings,
            "digest": trial.digest,
        }


def again(seeds: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Yield the digest of each run, made once more."""
    for seed in seeds:
        yield {"seed": seed, "digest": tried(drawn(seed).scenario).digest}


def shared(seeds: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Yield each number whose run gives other metrics when two processes share the runs."""
    trials = [(seed, tried(drawn(seed).scenario)) for seed in seeds]
    with local_processes(2) as pool:
        yield from ({"seed": seed} for seed in differing(trials, pool))


def differing(trials: Iterable[tuple[int, Trial]], pool: Executor) -> Iterator[int]:
    """Yield the numbers of the trials whose runs give other metrics on a pool."""
    ended = [(seed, trial.seen) for seed, trial in trials if trial.seen is not None]
    tasks = [Task(str(seed), seen.scenario, 0) for seed, seen in ended]
    for (seed, seen), made in zip(ended, run_all(pool, tasks), strict=True):
        here = {name: value for name, value in seen.metrics.items() if name not in WALL_CLOCK}
        if made.error or made.values != here:
            yield seed


def _end_with(parent: int) -> None:
    """End this process, whatever it is at, when its parent has ended."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


def main(what: str, *seeds: str) -> None:
    """Print a line for each step of what is to be done with the scenarios of these numbers."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    for line in {"batch": batch, "again": again, "shared": shared}[what](map(int, seeds)):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
