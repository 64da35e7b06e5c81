"""Whatever is in a recording: it is converted, or refused in a line, and no half of a file is left."""

import gzip
import lzma
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traces.convert.recordings import FORMATS, recording
from vmfailover.errors import InputError
from vmfailover.traces.convert import convert
from vmfailover.traces.format import open_trace

SETTINGS = settings(derandomize=True, deadline=None, max_examples=150)
#: Bytes of a recording that are damaged, or cut off one after the other.
BEGINNING = 1024
#: How errors begin that are about no file.
PARAMETERS = ("memory_bytes:", "columns:")
#: A recording of each format.
SAMPLES = {
    "lackey": "crlf.lackey",
    "din": "nasty.din",
    "xdin": "ls.xdin.xz",
    "pinatrace": "ls.pinatrace.xz",
    "execlog": "execlog.txt.xz",
    "champsim": "raw.champsim",
    "gem5": "truncated.gem5.ptrc",
    "drmemtrace": "drmemtrace.ls.1001.trace.gz",
    "columns": "ls.pinatrace.xz",
    "qemu-plugin": "",
}
COMPRESSED = (
    "ls.lackey.gz",
    "ls.lackey.zst",
    "ls.lackey.xz",
    "drmemtrace.ls.dir/trace/drmemtrace.ls.1001.0001.trace.zip",
)


@cache
def sample(name: str) -> bytes:
    """Return a recording of a format, decompressed; of a text whole lines, and a few kilobytes of any."""
    if name == "qemu-plugin":
        return recording(*((64 * i, 3, i, 8, i % 3, i % 2) for i in range(200)))
    content = (FORMATS / SAMPLES[name]).read_bytes()
    content = {"xz": lzma.decompress, "gz": gzip.decompress}.get(SAMPLES[name].rpartition(".")[2], bytes)(content)
    return (
        content[: content.rfind(b"\n", 0, 6000) + 1]
        if name not in ("champsim", "gem5", "drmemtrace")
        else content[:6000]
    )


def options_of(name: str) -> dict[str, Any]:
    return {"columns": "address=3:hex,op=2"} if name == "columns" else {"format": name}


def survives(folder: Path, content: bytes, **options: Any) -> None:
    """Convert what may be anything, strictly and tolerantly."""
    path, out = folder / "recording", folder / "out.parquet"
    path.write_bytes(content)
    for tolerant in (False, True):
        out.unlink(missing_ok=True)
        try:
            found = convert(path, out, tolerant=tolerant, **options)
        except InputError as error:
            told = str(error)
        else:
            told = ""
            assert found.metadata == open_trace(out).metadata
            assert found.accesses == found.metadata.accesses > 0
        assert not told or (told.startswith((f"{path}:", *PARAMETERS)) and "\n" not in told)
        assert os.listdir(folder) == ["recording"] if told else out.exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_cut_off_anywhere_in_the_first_kilobyte(tmp_path: Path, name: str) -> None:
    content = sample(name)
    assert len(content) > BEGINNING
    for length in range(BEGINNING):
        path = tmp_path / "recording"
        path.write_bytes(content[:length])
        try:
            told = "" if convert(path, None, **options_of(name)).accesses else "nothing"
        except InputError as error:
            told = str(error)
        assert not told or told.startswith(f"{path}:")


@pytest.mark.slow
@pytest.mark.parametrize("name", COMPRESSED)
def test_compressed_and_cut_off_anywhere_in_the_first_kilobyte(tmp_path: Path, name: str) -> None:
    content = (FORMATS / name).read_bytes()
    for length in range(0, BEGINNING, 3):
        survives(tmp_path, content[:length])


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
@given(data=st.data())
@SETTINGS
def test_damaged_anywhere(tmp_path_factory: pytest.TempPathFactory, name: str, data: st.DataObject) -> None:
    content = bytearray(sample(name)[: 2 * BEGINNING])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(content) - 1))
        damage = data.draw(st.binary(min_size=1, max_size=9))
        content[at : at + data.draw(st.sampled_from((0, len(damage))))] = damage
    options = options_of(name) if data.draw(st.booleans()) else {}
    survives(tmp_path_factory.mktemp("damaged"), bytes(content), **options)


@given(st.binary(max_size=300), st.sampled_from([*SAMPLES, "auto"]))
@SETTINGS
def test_any_bytes_at_all(tmp_path_factory: pytest.TempPathFactory, content: bytes, name: str) -> None:
    options = {"format": "auto"} if name == "auto" else options_of(name)
    survives(tmp_path_factory.mktemp("any"), content, **options)


@given(st.text('0123456789abcdefxILSMRWrw ,.:=#"\t\r\n-', max_size=300), st.sampled_from([*SAMPLES, "auto"]))
@SETTINGS
def test_any_lines_at_all(tmp_path_factory: pytest.TempPathFactory, content: str, name: str) -> None:
    options = {"format": "auto"} if name == "auto" else options_of(name)
    survives(tmp_path_factory.mktemp("lines"), content.encode(), **options)


@given(st.text("address=op,size:hextimRW/123 ", max_size=60))
@SETTINGS
def test_any_specification_of_columns(tmp_path_factory: pytest.TempPathFactory, spec: str) -> None:
    survives(tmp_path_factory.mktemp("columns"), b"R 1000 8\nW 2000 8\n", columns=spec)


def test_garbage_is_counted_as_fast_as_records(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_bytes(b" L 1000,8\n" + b"x\n" * 1_000_000)
    found = convert(path, None, tolerant=True)
    assert (found.accesses, found.left_out) == (1, {"lines that are no records": 1_000_000})
