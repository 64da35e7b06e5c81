"""What one step of the guest may take: guest time is kept in femtoseconds, as 64-bit integers.

Keys that are sensible one by one can make a time together that such a number does not hold, or an instruction that
takes no time at all. A run is at most 2 h long, 7.2 x 10^18 fs; a step of `LONGEST_STEP_FS` for each of the costs that
can come together in one record of accesses still leaves its end below 2^63 fs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from vmfailover.scenario.errors import KeyPath, Problem
from vmfailover.scenario.experiment import Experiment
from vmfailover.scenario.hosts import HostSpec
from vmfailover.scenario.units import DURATION

FS_PER_NS = 10**6
_FS_PER_SECOND = 10**15
#: The longest that a step may take: 100 s.
LONGEST_STEP_FS = 10**17
#: How much longer a fetch takes at most while something else uses the memory's bandwidth.
_CONTENTION = 10


@dataclass(frozen=True, slots=True)
class _Step:
    """Something that takes the guest time."""

    #: The key to change.
    path: KeyPath
    what: str
    fs: float


def step_problems(scenario: Experiment) -> Iterator[Problem]:
    """Yield a problem if the longest step of the guest is too long to be counted, and if an instruction takes nothing.

    Keys that are too great together make many steps too long; one is told.
    """
    hosts = {"primary": scenario.hosts.primary, "secondary": scenario.hosts.secondary}
    for name, host in hosts.items():
        if round(_instruction_fs(host)) < 1:
            yield Problem(
                ("hosts", name, "base_cpi"),
                f"{host.base_cpi:g} cycles of a clock of {host.clock} Hz are less than a femtosecond, and no time "
                "would pass; write more, or a lower clock",
            )
    steps = (step for name, host in hosts.items() for step in _steps(scenario, host, ("hosts", name)))
    longest = max(steps, key=lambda step: step.fs)
    slowdown = math.prod(failure.slowdown for failure in scenario.failures)
    if longest.fs * slowdown > LONGEST_STEP_FS:
        yield Problem(longest.path, _too_long(longest, slowdown))


def _too_long(step: _Step, slowdown: float) -> str:
    slowed = f", {slowdown:g} times as long on a host that is slow for every such failure," if slowdown > 1 else ""
    most = DURATION.format(LONGEST_STEP_FS // FS_PER_NS)
    seconds = f"{step.fs * slowdown / _FS_PER_SECOND:.3g} s"
    return f"{step.what}{slowed} takes {seconds}; no step of the guest may take more than {most}; make it shorter"


def _steps(scenario: Experiment, host: HostSpec, path: KeyPath) -> Iterator[_Step]:
    for key, what, instructions in scenario.workload.instructions():
        if instructions > 1:
            yield _Step(
                ("workload", *key),
                f"{what}, at {host.base_cpi:g} cycles each of {host.clock} Hz,",
                instructions * _instruction_fs(host),
            )
    yield _Step((*path, "base_cpi"), f"an instruction at {host.clock} Hz", _instruction_fs(host))
    for name, level in (("l2", host.l2), ("l3", host.l3)):
        if level is not None:
            yield _Step((*path, name, "latency"), f"a hit at {host.clock} Hz", _cycles_fs(level.latency, host))
    yield _Step((*path, "memory", "latency"), "a fetch from memory", _CONTENTION * host.memory.latency * FS_PER_NS)
    copied_fs = 2 * host.line * _FS_PER_SECOND / host.memory.bandwidth
    yield _Step((*path, "memory", "bandwidth"), "copying a line", copied_fs)
    for key, spent_ns in scenario.replication.steps_ns():
        yield _Step(("replication", *key), "it", spent_ns * FS_PER_NS)


def _instruction_fs(host: HostSpec) -> float:
    return _cycles_fs(host.base_cpi, host)


def _cycles_fs(cycles: float, host: HostSpec) -> float:
    return cycles * _FS_PER_SECOND / host.clock
