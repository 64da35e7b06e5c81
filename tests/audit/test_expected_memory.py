"""The ledger against a model of it that keeps everything in dictionaries."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.audit.expected_memory import EXAMPLES, GROUP_SHIFT, MODULUS, ExpectedMemory
from vmfailover.traces.accesses import AccessChunk

LINES = 20
BLOCK_BYTES = 64
SETTINGS = settings(derandomize=True, deadline=None, max_examples=100)
#: A block, whether it is written, and how often.
Access = tuple[int, bool, int]


def chunk(accesses: list[Access]) -> AccessChunk:
    block, write, count = (np.array(column) for column in zip(*accesses, strict=True))
    ones = np.ones(len(accesses), np.uint32)
    return AccessChunk(0, block.astype(np.uint32), write.astype(np.uint8), count.astype(np.uint32), ones)


@dataclass
class Model:
    """What the ledger knows, the slow way."""

    line_bytes: int
    unit_lines: int = 1
    versions: Counter[int] = field(default_factory=Counter)
    logged: dict[int, int] = field(default_factory=dict)
    stored: set[tuple[int, int]] = field(default_factory=set)

    def log(self, addresses: list[int], epoch: int) -> None:
        self.logged |= {self.unit(address // self.line_bytes): epoch for address in addresses}

    def unit(self, line: int) -> int:
        return line // self.unit_lines

    def store(self, accesses: list[Access], epoch: int) -> tuple[int, list[int]]:
        """Return the number of blocks that are new to the epoch, and the unlogged lines of these."""
        fresh, unlogged = 0, list[int]()
        for block, write, count in accesses:
            line = block * BLOCK_BYTES // self.line_bytes
            if write:
                self.versions[line] += count
            if write and (epoch, block) not in self.stored:
                self.stored.add((epoch, block))
                fresh += 1
                if self.logged.get(self.unit(line)) != epoch:
                    unlogged.append(line)
        return fresh, unlogged

    def write(self, lines: list[int], epoch: int) -> list[int]:
        self.versions.update(lines)
        return sorted(line for line in set(lines) if self.logged.get(self.unit(line)) != epoch)

    def image(self) -> npt.NDArray[np.uint32]:
        return np.array([self.versions[line] % MODULUS for line in range(LINES)], np.uint32)


def accesses_of(line_bytes: int) -> st.SearchStrategy[list[Access]]:
    blocks = st.integers(0, LINES * line_bytes // BLOCK_BYTES - 1)
    return st.lists(st.tuples(blocks, st.booleans(), st.integers(1, 5)), min_size=1, max_size=20)


@SETTINGS
@given(data=st.data(), line_bytes=st.sampled_from([64, 128, 512]), unit_lines=st.sampled_from([1, 8, 32]))
def test_the_ledger_is_as_the_model_says(data: st.DataObject, line_bytes: int, unit_lines: int) -> None:
    ledger, model = ExpectedMemory(LINES * line_bytes, line_bytes, unit_lines), Model(line_bytes, unit_lines)
    lines = st.lists(st.integers(0, LINES - 1), max_size=6)
    for epoch in range(data.draw(st.integers(1, 4))):
        addresses = [line * line_bytes for line in data.draw(lines)]
        ledger.log(np.array(addresses, np.int64), epoch)
        model.log(addresses, epoch)
        accesses = data.draw(accesses_of(line_bytes))
        fresh, unlogged = model.store(accesses, epoch)
        assert ledger.store(chunk(accesses), epoch) == (fresh, unlogged[:EXAMPLES], len(unlogged))
        written = data.draw(lines)
        assert ledger.write(np.array(written, np.int64), epoch) == model.write(written, epoch)
        assert ledger.compare(model.image()) == (0, [])


@SETTINGS
@given(accesses_of(128), st.dictionaries(st.integers(0, LINES - 1), st.integers(1, 9), max_size=LINES))
def test_every_line_that_differs_is_counted_and_the_first_are_named(
    accesses: list[Access], wrong: dict[int, int]
) -> None:
    ledger, model = ExpectedMemory(LINES * 128, 128), Model(128)
    ledger.store(chunk(accesses), 0)
    model.store(accesses, 0)
    image = model.image()
    for line, by in wrong.items():
        image[line] += by
    assert ledger.compare(image) == (len(wrong), sorted(wrong)[:EXAMPLES])


@pytest.mark.parametrize("line", [0, (1 << GROUP_SHIFT) - 1, 1 << GROUP_SHIFT, 3 * (1 << GROUP_SHIFT) + 4])
def test_no_group_of_lines_is_passed_over(line: int) -> None:
    lines = line + 1
    untouched, written = ExpectedMemory(lines * 64, 64), ExpectedMemory(lines * 64, 64)
    written.write(np.array([line]), 0)
    image = np.zeros(lines, np.uint32)
    assert untouched.compare(image) == (0, [])
    assert written.compare(image) == (1, [line])
    image[line] = 1
    assert untouched.compare(image) == (1, [line])
    assert written.compare(image) == (0, [])


def test_versions_count_modulo() -> None:
    ledger = ExpectedMemory(128, 64)
    ledger.store(chunk([(1, True, MODULUS - 1), (1, True, 3)]), 0)
    assert ledger.compare(np.array([0, 2], np.uint32)) == (0, [])


def test_what_an_earlier_epoch_logged_counts_no_more() -> None:
    ledger = ExpectedMemory(128, 64)
    ledger.log(np.array([64]), 0)
    assert ledger.store(chunk([(1, True, 1)]), 0) == (1, [], 0)
    assert ledger.store(chunk([(1, True, 1)]), 1) == (1, [1], 1)
    assert ledger.write(np.array([1]), 2) == [1]
