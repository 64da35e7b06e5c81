"""A NumPy file that grows."""

from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.studies.array_file import growing_array

NUMBERS = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20)


@given(pieces=st.lists(NUMBERS, max_size=6))
@settings(derandomize=True, deadline=None, max_examples=50)
def test_holds_all_pieces_in_order(tmp_path_factory: pytest.TempPathFactory, pieces: list[list[int]]) -> None:
    path = tmp_path_factory.mktemp("array") / "log.npy"
    with growing_array(path) as append:
        for piece in pieces:
            append(np.array(piece, np.int64))
    array = np.load(path)
    assert array.dtype == np.int64
    assert array.tolist() == list(chain.from_iterable(pieces))
    assert list(path.parent.iterdir()) == [path]


def test_a_piece_need_not_be_contiguous(tmp_path: Path) -> None:
    path = tmp_path / "log.npy"
    with growing_array(path) as append:
        append(np.arange(10, dtype=np.int64)[::-3])
    assert np.load(path).tolist() == [9, 6, 3, 0]


def test_replaces_a_file_only_when_whole(tmp_path: Path) -> None:
    path = tmp_path / "log.npy"
    path.write_text("mine")
    with growing_array(path) as append:
        append(np.array([1], np.int64))
        assert path.read_text() == "mine"
    assert np.load(path).tolist() == [1]


def broken_off(path: Path) -> None:
    with growing_array(path) as append:
        append(np.array([1], np.int64))
        raise ValueError("damaged")


def test_an_error_leaves_what_there_was(tmp_path: Path) -> None:
    path = tmp_path / "log.npy"
    path.write_text("mine")
    with pytest.raises(ValueError, match="damaged"):
        broken_off(path)
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("name", "error"), [("", IsADirectoryError), ("no/log.npy", FileNotFoundError)])
def test_a_path_that_cannot_be_written_is_named(tmp_path: Path, name: str, error: type[OSError]) -> None:
    path = tmp_path / name
    with pytest.raises(error) as caught, growing_array(path):
        pass
    assert caught.value.filename == str(path)
    assert not list(tmp_path.iterdir())
