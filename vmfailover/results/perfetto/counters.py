"""The curves of a trace: the log, the caches, the link and the clients."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from vmfailover.results.perfetto.events import Count
from vmfailover.results.perfetto.names import CLIENTS, LINK
from vmfailover.results.samples import Sample
from vmfailover.scenario import Scenario
from vmfailover.scenario.checks import log_capacity

if TYPE_CHECKING:
    from vmfailover.results.run_record import RunRecord

#: Stretches of a run, at most, in each of which answers are counted.
_STRETCHES = 500
#: (name, unit, value) of a counter.
_Reading = tuple[str, str, int | float]


def counts(result: RunRecord) -> Iterator[Count]:
    """Yield the values of all counters; without samples there is only that of the clients."""
    yield from _hosts(result)
    yield from _link(result)
    yield from _clients(result)


def _hosts(result: RunRecord) -> Iterator[Count]:
    """Yield what the caches and the log of the host with the VM hold; of a host that no longer has it, nothing."""
    before = ""
    for sample in result.sample_rows:
        for name, unit, value in _readings(result.scenario, sample):
            if before not in ("", sample.host):
                yield Count(before, name, unit, sample.time_ns, 0)
            yield Count(sample.host, name, unit, sample.time_ns, value)
        before = sample.host


def _readings(scenario: Scenario, sample: Sample) -> Iterator[_Reading]:
    if scenario.replication.uses_log:
        yield "address log", "entries", sample.log_entries
        yield "address log fill", "share", sample.log_entries / log_capacity(scenario)
    yield "dirty", "lines", sample.dirty_lines
    yield "flagged", "lines", sample.flagged_lines


def _link(result: RunRecord) -> Iterator[Count]:
    """Yield the share of the time from each sample to the next for which the link carried something."""
    for here, there in pairwise(result.sample_rows):
        length_ns = there.time_ns - here.time_ns
        forward = (there.forward_busy_ns - here.forward_busy_ns) / length_ns
        backward = (there.backward_busy_ns - here.backward_busy_ns) / length_ns
        yield Count(LINK, "busy from the host with the VM", "share", here.time_ns, forward)
        yield Count(LINK, "busy to the host with the VM", "share", here.time_ns, backward)


def _clients(result: RunRecord) -> Iterator[Count]:
    """Yield how many answers came in each stretch of the run, and how long the slowest of them took."""
    stretch_ns = max(1, -(-result.end_ns // _STRETCHES))
    slowest: dict[int, list[int]] = {}
    for response in result.responses:
        if 0 <= response.received_ns < result.end_ns:
            waits = slowest.setdefault(response.received_ns // stretch_ns, [])
            waits.append(response.received_ns - response.sent_ns)
    for number in range(-(-result.end_ns // stretch_ns) if slowest else 0):
        waits = slowest.get(number, [])
        yield Count(CLIENTS, "answers", "a second", number * stretch_ns, len(waits) * 1e9 / stretch_ns)
        yield Count(CLIENTS, "slowest answer", "µs", number * stretch_ns, max(waits, default=0) / 1000)
