"""The receiver: nothing touches the image but whole epochs, in order, and nothing else is acknowledged."""

import numpy as np
import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.guest.guest import GuestState
from vmfailover.replication.commit_point import CommitPoint
from vmfailover.replication.distinct import SPARE
from vmfailover.replication.messages import HEADER_BYTES, Acknowledgement, CommitMarker, LineBatch
from vmfailover.replication.receiver import Receiver, StagedEpoch

from .machinery import LATENCY_NS, LINES, batch, marker, new_site, state

EXAMPLES = settings(derandomize=True, deadline=None, max_examples=60)
#: Reading and writing a line takes so long at the memory's bandwidth.
LINE_NS = 2


class Secondary:
    """A receiver on its host, and the acknowledgements that have reached the primary: (epoch, instant)."""

    def __init__(self, **keys: object) -> None:
        site = new_site(simpy.Environment(), **keys)
        self.env, self.event_log, self.host = site.env, site.event_log, site.secondary.host
        self.acknowledged: list[tuple[int, int]] = []
        self._commit_point = CommitPoint(site)
        self._commit_point.acknowledgements.on(Acknowledgement, self._note)
        self.receiver = Receiver(site, self._commit_point)
        self.receiver.start()

    def _note(self, message: Acknowledgement) -> None:
        self.acknowledged.append((message.epoch, int(self.env.now)))

    @property
    def committed(self) -> GuestState:
        return self._commit_point.state

    @property
    def committed_epoch(self) -> int:
        return self._commit_point.epoch

    @property
    def applied_epoch(self) -> int:
        return max((event.epoch for event in self.event_log.events if event.kind == "apply"), default=-1)

    def receive(self, epoch: int, *batches: LineBatch) -> None:
        """Receive a whole epoch."""
        for part in batches:
            self.receiver.endpoint.receive(part)
        self.receiver.endpoint.receive(marker(epoch, batches))

    @property
    def image(self) -> dict[int, int]:
        """The lines that are not at version 0."""
        versions = self.host.memory.versions
        return {int(line): int(versions[line]) for line in np.flatnonzero(versions)}

    @property
    def kinds(self) -> list[str]:
        return [event.kind for event in self.event_log.events]


def test_staged_lines_are_not_in_the_image() -> None:
    secondary = Secondary()
    secondary.receiver.stage(batch(0, {1: 5, 2: 6}, final=True))
    secondary.env.run()
    assert secondary.image == {}
    assert secondary.acknowledged == []
    assert secondary.kinds == ["staged"]
    assert (secondary.committed, secondary.committed_epoch) == (state(0), -1)


def test_a_whole_epoch_is_committed_acknowledged_and_applied() -> None:
    secondary = Secondary()
    secondary.receive(0, batch(0, {1: 5, 2: 6}), batch(0, {}, final=True))
    assert (secondary.committed, secondary.committed_epoch) == (state(1), 0)
    assert (secondary.image, secondary.applied_epoch) == ({}, -1)
    secondary.env.run()
    assert (secondary.image, secondary.applied_epoch) == ({1: 5, 2: 6}, 0)
    assert secondary.acknowledged == [(0, HEADER_BYTES + LATENCY_NS)]
    assert secondary.kinds == ["staged", "commit", "apply"]
    assert secondary.event_log.times("apply") == {0: 2 * LINE_NS}


def test_an_epoch_can_be_acknowledged_once_it_is_applied() -> None:
    secondary = Secondary(**{"replication.acknowledge": "applied"})
    secondary.receive(0, batch(0, {1: 5, 2: 6}), batch(0, {}, final=True))
    assert secondary.committed_epoch == 0
    secondary.env.run()
    assert secondary.acknowledged == [(0, 2 * LINE_NS + HEADER_BYTES + LATENCY_NS)]


@pytest.mark.parametrize("counted", [1, 3])
def test_an_epoch_that_is_not_whole_is_never_committed(counted: int) -> None:
    secondary = Secondary()
    secondary.receiver.stage(batch(0, {1: 5, 2: 6}, final=True))
    secondary.receiver.mark(CommitMarker(0, counted, state(1), 100))
    secondary.env.run()
    assert (secondary.image, secondary.acknowledged) == ({}, [])
    assert secondary.committed_epoch == -1


def test_of_a_line_sent_twice_in_an_epoch_the_later_version_stays() -> None:
    secondary = Secondary()
    secondary.receive(0, batch(0, {1: 5, 2: 6}), batch(0, {1: 9}))
    secondary.env.run()
    assert secondary.image == {1: 9, 2: 6}


def test_lines_that_come_again_and_again_take_no_more_memory() -> None:
    staged = StagedEpoch(np.zeros(LINES, np.bool_))
    whole = {line: 1 for line in range(LINES) if line != 5}
    times = 3 * SPARE // LINES
    staged.add(batch(0, {5: 9}))
    for version in range(times):
        staged.add(batch(0, {**whole, 7: version + 2}))
        assert sum(each.lines.size for each in staged.batches) <= SPARE + 3 * LINES
    assert staged.lines == 1 + times * (LINES - 1)
    image = np.zeros(LINES, np.uint32)
    for each in staged.batches:
        image[each.lines] = each.versions
    assert image.tolist() == [{5: 9, 7: times + 1}.get(line, 1) for line in range(LINES)]


def test_lines_of_the_next_epoch_may_come_before_an_epoch_is_applied() -> None:
    secondary = Secondary()
    early = batch(1, {1: 9})
    secondary.receiver.stage(batch(0, {1: 5}))
    secondary.receiver.mark(CommitMarker(0, 1, state(1), 100))
    secondary.receiver.stage(early)
    secondary.env.run()
    assert secondary.image == {1: 5}
    secondary.receiver.mark(marker(1, [early]))
    secondary.env.run()
    assert secondary.image == {1: 9}


EPOCHS = st.lists(
    st.lists(st.dictionaries(st.integers(0, LINES - 1), st.integers(1, 9), max_size=5), max_size=3), max_size=5
)


@EXAMPLES
@given(epochs=EPOCHS, committed=st.integers(0, 5), closed_after=st.integers(0, 60))
def test_the_image_is_that_of_the_committed_epochs(
    epochs: list[list[dict[int, int]]], committed: int, closed_after: int
) -> None:
    secondary = Secondary()
    expected: dict[int, int] = {}
    for epoch, parts in enumerate(epochs):
        batches = [batch(epoch, part) for part in parts]
        for part in batches:
            secondary.receiver.stage(part)
        if epoch < committed:
            secondary.receiver.mark(marker(epoch, batches))
            for lines in parts:
                expected |= lines
    secondary.env.run(until=secondary.env.now + closed_after + 1)
    secondary.env.run(secondary.env.process(secondary.receiver.close()))
    assert secondary.image == expected
    assert secondary.applied_epoch == secondary.committed_epoch == min(committed, len(epochs)) - 1
    assert secondary.receiver.lines == sum(len(part) for parts in epochs for part in parts)


def test_closing_waits_for_what_is_committed() -> None:
    secondary = Secondary()
    secondary.receive(0, batch(0, {1: 5, 2: 6}))
    secondary.receive(1, batch(1, {3: 7}))
    secondary.env.run(secondary.env.process(secondary.receiver.close()))
    assert secondary.env.now == 3 * LINE_NS
    assert secondary.image == {1: 5, 2: 6, 3: 7}


def test_closing_with_nothing_committed_takes_no_time() -> None:
    secondary = Secondary()
    secondary.env.run(secondary.env.process(secondary.receiver.close()))
    assert secondary.env.now == 0


def test_nothing_is_taken_after_closing() -> None:
    secondary = Secondary()
    half = batch(0, {1: 5})
    secondary.receiver.stage(half)
    secondary.env.run(secondary.env.process(secondary.receiver.close()))
    secondary.receiver.mark(marker(0, [half]))
    secondary.receive(1, batch(1, {2: 6}, final=True))
    secondary.env.run()
    assert (secondary.image, secondary.acknowledged, secondary.kinds) == ({}, [], [])


@pytest.mark.parametrize("before", [0, 1])
def test_what_is_committed_as_the_host_goes_down_is_applied_at_the_end(before: int) -> None:
    secondary = Secondary()
    secondary.env.run(until=1)
    for epoch in range(before + 1):
        secondary.receive(epoch, batch(epoch, {epoch: 5}))
    secondary.host.crash()
    secondary.env.run()
    secondary.receiver.settle()
    assert secondary.image == dict.fromkeys(range(before + 1), 5)


def test_at_the_end_of_a_run_everything_committed_is_applied_at_once() -> None:
    secondary = Secondary()
    secondary.receive(0, batch(0, {1: 5, 2: 6}))
    secondary.receive(1, batch(1, {1: 9}))
    secondary.env.run(until=1)
    secondary.receiver.settle()
    assert secondary.image == {1: 9, 2: 6}
    assert secondary.applied_epoch == 1
