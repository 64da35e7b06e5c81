"""Files that are there whole, or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vmfailover.errors import InputError
from vmfailover.files.regular_file import open_regular, read_regular
from vmfailover.files.whole_file import placed_whole, require_file_writable, write_whole


def test_it_takes_the_place_of_an_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for text in ("one", "two"):
        write_whole(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_whole(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "text"


def test_the_longest_name_there_can_be(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 255)
    require_file_writable(path, "--option")
    write_whole(path, "text")
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


def test_a_pipe_that_nobody_reads_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="pipe"):
        write_whole(path, "text")
    with pytest.raises(OSError, match="not a regular file"), placed_whole(path):
        pass


def test_stdout_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    code = "from pathlib import Path; from vmfailover.files.whole_file import write_whole; "
    code += "write_whole(Path('/dev/stdout'), 'text')"
    with (tmp_path / "file").open("w") as output:
        subprocess.run([sys.executable, "-c", code], stdout=output, check=True)
    assert (tmp_path / "file").read_text() == "text"
    assert Path("/dev/stdout").is_symlink()


#: Limits the size of files, as a full disk does, and calls something.
FULL_DISK = """
import resource, sys
from pathlib import Path
from vmfailover.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
main(sys.argv[1:])
"""


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    result = subprocess.run([sys.executable, "-c", FULL_DISK, "init", str(path)], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == f"error: {path}: file too large\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["folder", "pipe", "no/file", "x" * 300, "file/x", "loop"])
def test_where_no_file_can_be_written_is_told_before(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match="--option"):
        require_file_writable(tmp_path / name, "--option")
    require_file_writable(tmp_path / "new", "--option")
    require_file_writable(Path("/dev/null"), "--option")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", ["folder", "pipe", "loop", "no", "x" * 300, "a\0b", "\ud83d"])
def test_only_regular_files_are_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match=r"\S") as raised:
        open_regular(tmp_path / name)
    assert raised.value.filename == str(tmp_path / name)


def test_the_beginning_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    assert read_regular(tmp_path / "file") == b"text"
    assert read_regular(tmp_path / "file", 2) == b"te"
