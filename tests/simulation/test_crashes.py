"""The proof by crashes: at whatever instant the primary dies, the secondary has the last checkpoint, and runs it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, cycle, pairwise, takewhile

import numpy as np
import pytest
from marks import mostly_slow
from runs_for_tests import Observed, broken, happened, observe
from scenarios_for_tests import brief

from vmfailover.records.events import Event
from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario

#: Every way of shipping, of running out of log, of sharing lines and of losing frames.
VARIANTS = (
    "base",
    "no-streaming",
    "helper-thread",
    "other-host",
    "other-host-no-streaming",
    "log-drain",
    "log-drain-streaming",
    "log-checkpoint",
    "log-checkpoint-streaming",
    "log-stall",
    "log-stall-least",
    "tiny-caches",
    "two-vcpus",
    "three-vcpus-log",
    "three-vcpus-carry",
    "three-vcpus-drain",
    "slow-link",
    "lossy-link",
    "sequential",
    "mix",
)
#: Crashes of one test, which all have the same seed.
BLOCK = 50
SEEDS = (21, 22)
#: Time for which a run goes on after the last instant at which it may crash, for the takeover and what follows it.
LEFT_NS = 1_200_000
#: The events with which the phases of an epoch begin that the primary sees through one after the other …
VM_PHASES = {
    "epoch": "running",
    "pause": "quiesce",
    "final-scan": "final scan",
    "capture": "capture",
    "harvest": "harvest",
    "resume": "running",
}
#: … and those of its way to the secondary, where several epochs can be at once, and the end of that way.
LINK_PHASES = {
    "transfer": "lines in transfer",
    "lines-sent": "marker in transfer",
    "staged": "staged",
    "commit": "committed",
    "acknowledge": "",
}
PHASES = {*VM_PHASES.values(), *LINK_PHASES.values()} - {""}


def clocks(events: Iterable[Event]) -> list[list[tuple[int, str]]]:
    """Return the instants at which phases begin, and their names, of the primary and of each epoch on its way."""
    ticking: dict[int, list[tuple[int, str]]] = {}
    for event in events:
        if event.kind in VM_PHASES:
            ticking.setdefault(-1, []).append((event.time_ns, VM_PHASES[event.kind]))
        if event.kind in LINK_PHASES:
            ticking.setdefault(event.epoch, []).append((event.time_ns, LINK_PHASES[event.kind]))
    return list(ticking.values())


def phases_at_failure(result: RunResult) -> set[str]:
    """Return the phases of the primary and of every epoch on its way at which the failure struck."""
    before = takewhile(lambda event: event.kind != "failure", result.event_rows)
    return {clock[-1][1] for clock in clocks(before)} - {""}


def instants(result: RunResult, random: np.random.Generator, latest_ns: int) -> Iterator[int]:
    """Draw instants of crashes without end: by turns any, and any in each of the phases, however short they are."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for (begin, phase), (end, _) in chain.from_iterable(map(pairwise, clocks(result.event_rows))):
        if phase and begin < end <= latest_ns:
            spans.setdefault(phase, []).append((begin, end))
    for phase in cycle(sorted(spans)):
        begin, end = spans[phase][random.integers(len(spans[phase]))]
        yield int(random.integers(begin + 1, end + 1))
        yield int(random.integers(1, latest_ns))


def crash(scenario: Scenario, instant: int) -> Observed:
    """Run a scenario into a crash; all that must hold does, and the secondary goes on with the program."""
    run = observe(scenario.with_(failures=[{"at": f"{instant} ns", "kind": "host-crash", "target": "primary"}]))
    assert not broken(run), instant
    (failure,) = happened(run.result, "failure")
    (takeover,) = happened(run.result, "takeover")
    assert failure.time_ns == instant < takeover.time_ns
    assert run.cluster.protection.unprotected is not None
    began, now = run.cluster.protection.committed.positions, run.cluster.secondary.vm.positions
    assert all(later > earlier for earlier, later in zip(began, now, strict=True)), instant
    assert run.result.spans["secondary"][0][0] == takeover.time_ns
    return run


def crash_often(variant: str, seed: int, crashes: int) -> Counter[str]:
    """Crash a variant at random instants; return how many struck in each phase."""
    scenario = brief(variant, seed=seed)
    undisturbed = observe(scenario).result
    drawn = instants(undisturbed, np.random.default_rng(seed), scenario.duration - LEFT_NS)
    struck: Counter[str] = Counter()
    for _ in range(crashes):
        struck.update(phases_at_failure(crash(scenario, next(drawn)).result))
    return struck


@pytest.mark.parametrize(
    "variant",
    mostly_slow(
        ["base", "no-streaming", "other-host", "log-checkpoint", "log-stall-least", "three-vcpus-drain"],
        *("base", "other-host", "log-checkpoint"),
    ),
)
def test_three_crashes(variant: str) -> None:
    crash_often(variant, 11, 3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_fifty_crashes(variant: str, seed: int, record_property: Callable[[str, object], None]) -> None:
    struck = crash_often(variant, seed, BLOCK)
    record_property("crashes", dict(struck))
    assert struck.keys() == PHASES
