"""Memory: a version a line."""

import numpy as np

from vmfailover.hardware.memory import Memory


def test_nothing_is_written_in_a_new_image() -> None:
    memory = Memory(1024, 128)
    assert memory.line_bytes == 128
    assert memory.versions.dtype == np.uint32
    assert memory.versions.tolist() == [0] * 8


def test_lines_received_overwrite_those_there_and_no_other() -> None:
    memory = Memory(512, 128)
    memory.apply(np.array([3, 1]), np.array([7, 5], np.uint32))
    memory.apply(np.array([1]), np.array([4], np.uint32))
    assert memory.versions.tolist() == [0, 4, 0, 7]


def test_of_a_line_received_twice_the_later_one_stays() -> None:
    memory = Memory(512, 128)
    memory.apply(np.array([2, 0, 2]), np.array([9, 1, 8], np.uint32))
    assert memory.versions.tolist() == [1, 0, 8, 0]


def test_everything_but_some_units_is_cleared() -> None:
    memory = Memory(10 * 128, 128)
    memory.apply(np.arange(10), np.arange(1, 11).astype(np.uint32))
    memory.clear_all_but(np.array([0, 2]), 4)
    assert memory.versions.tolist() == [1, 2, 3, 4, 0, 0, 0, 0, 9, 10]
