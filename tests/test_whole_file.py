"""Files that are there whole, or not at all."""

import os
from pathlib import Path

import pytest

from vmfailover.whole_file import write_whole


def test_it_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for text in ("one", "two"):
        write_whole(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [path]


def test_what_was_there_before_stays_if_it_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, "before")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud800")
    assert path.read_text(encoding="utf-8") == "before"
    with pytest.raises(OSError, match="nowhere") as raised:
        write_whole(tmp_path / "nowhere" / "file", "text")
    assert raised.value.filename == str(tmp_path / "nowhere" / "file")
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(path, "text")
    assert os.read(reader, 100) == b"text"
    os.close(reader)
    assert path.is_fifo()
