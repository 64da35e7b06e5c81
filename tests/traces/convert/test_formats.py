"""Each format gives the counts that a separate program expects, or the reason why not."""

import bz2
import lzma
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from traces.convert.recordings import EXPECTED, FAULTY, FORMATS, NOTHING, WHOLE, entry, recording, thread_file
from vmfailover.errors import InputError
from vmfailover.traces.convert import convert
from vmfailover.traces.convert.choice import NAMES
from vmfailover.traces.convert.formats.qemu_plugin import QEMU_PLUGIN
from vmfailover.traces.format import open_trace


def refusal(path: Path, **options: Any) -> str:
    """Return why a file is not converted, and see that nothing was written."""
    out = path.parent / "refused.parquet"
    with pytest.raises(InputError) as caught:
        convert(path, out, **options)
    text = str(caught.value)
    assert "\n" not in text
    assert not out.exists()
    return text


def written(folder: Path, content: bytes, name: str = "recording") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def agrees(found: Any, expected: dict[str, Any]) -> None:
    known = {key: value for key, value in expected.items() if key not in ("note", "records", "threads")}
    told = found.to_dict()
    before = known.pop("instructions_before_last_access", None)
    assert {key: told[key] for key in known} == known
    assert found.metadata.accesses == found.accesses
    if before is not None:
        assert found.metadata.instructions == before


@pytest.mark.parametrize("name", WHOLE)
def test_counts_of_a_whole_recording(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out.parquet"
    found = convert(FORMATS / name, out)
    agrees(found, EXPECTED[name])
    assert open_trace(out).metadata == found.metadata
    assert os.listdir(tmp_path) == ["out.parquet"]
    assert convert(FORMATS / name, None) == found, "a dry run counts the same"


@pytest.mark.parametrize("name", FAULTY)
def test_what_is_no_record_is_told_with_its_place_or_counted(tmp_path: Path, name: str) -> None:
    place, left_out = FAULTY[name]
    with pytest.raises(InputError) as caught:
        convert(FORMATS / name, tmp_path / "out.parquet")
    assert str(caught.value).startswith(f"{FORMATS / name}{place}")
    assert os.listdir(tmp_path) == []
    found = convert(FORMATS / name, tmp_path / "out.parquet", tolerant=True)
    agrees(found, EXPECTED[name])
    assert found.left_out == left_out


@pytest.mark.parametrize("name", [name for name, told in NOTHING.items() if told])
def test_nothing_to_convert(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError) as caught:
        convert(FORMATS / name, tmp_path / "out.parquet")
    assert str(caught.value).startswith(f"{FORMATS / name}{NOTHING[name]}")
    assert os.listdir(tmp_path) == []


def test_a_blank_line_is_no_record() -> None:
    found = convert(FORMATS / "blank-line.din", None)
    assert (found.accesses, found.stores, found.instructions, found.left_out) == (1, 1, 1, {})


def test_threads_of_drmemtrace_are_told_apart(tmp_path: Path) -> None:
    found = convert(FORMATS / "drmemtrace.ls.dir", tmp_path / "out.parquet", threads="vcpus")
    assert found.threads == EXPECTED["drmemtrace.ls.dir"]["threads"]
    trace = open_trace(tmp_path / "out.parquet")
    accesses = [sum(int(chunk.count.sum()) for chunk in trace.chunks(vcpu)) for vcpu in range(2)]
    assert sum(accesses) == found.accesses
    assert all(accesses)


def test_files_of_drmemtrace_are_read_in_the_order_of_their_times(tmp_path: Path) -> None:
    def moment(time: int, address: int) -> bytes:
        return entry(28, 2, time) + entry(10, 4, 0x40) + entry(1, 8, address)

    (tmp_path / "a.trace").write_bytes(thread_file(7, moment(10, 0), moment(30, 128)))
    (tmp_path / "b.trace").write_bytes(thread_file(8, moment(20, 64), moment(40, 192)))
    out = tmp_path / "out.parquet"
    found = convert(tmp_path, out, threads="merge", mapping="identity")
    assert np.concatenate([chunk.block for chunk in open_trace(out).chunks(0)]).tolist() == [0, 1, 2, 3]
    assert found.metadata.duration_ns == 30_000


def test_entries_of_drmemtrace_that_count_differently(tmp_path: Path) -> None:
    entries = [
        entry(17, 3, 0),  # a bundle of three instructions
        entry(30, 4, 0x40),  # fetched, as its address is new
        entry(30, 4, 0x40),  # the same again
        entry(29, 4, 0x40),  # executed without being fetched
        entry(48, 2, 0x44),
        entry(0, 0, 0x1000),  # of size 0: its first byte
        entry(5, 64, 0x2000),  # a prefetch
        entry(20, 64, 0x2000),  # a flush
    ]
    found = convert(written(tmp_path, thread_file(1, *entries)), None)
    assert (found.instructions, found.loads, found.accesses) == (5, 1, 1)
    assert found.left_out == {"prefetches": 1, "flushes": 1}
    odd = entry(25, 0, 4) + entry(50, 0, 0) + entry(1, 8, 64) + entry(26, 0, 0)
    assert ": byte 12: an entry of type 50" in refusal(written(tmp_path, odd))
    assert convert(tmp_path / "recording", None, tolerant=True).left_out == {"entries that are none": 1}


def test_drmemtrace_that_lacks_what_it_should_have(tmp_path: Path) -> None:
    whole = thread_file(1, entry(10, 4, 0x40), entry(1, 8, 64))
    assert "no footer" in refusal(written(tmp_path, whole[:-12]))
    assert convert(tmp_path / "recording", None, tolerant=True).stores == 1
    filtered = thread_file(1, entry(28, 9, 0x140), entry(1, 8, 64))
    assert "filtered by a cache" in refusal(written(tmp_path, filtered))
    (tmp_path / "empty" / "raw").mkdir(parents=True)
    with pytest.raises(InputError, match="drraw2trace"):
        convert(tmp_path / "empty", None)
    with pytest.raises(InputError, match="is a folder with no files"):
        convert(tmp_path / "empty" / "raw", None)


def test_the_emulators_plug_in(tmp_path: Path) -> None:
    records = [
        (0x1000, 5, 0, 8, 0, 1),
        (0x103C, 7, 250, 8, 1, 0),
        (0, 9, 0, 0, 0, 2),  # instructions alone
        (0xFEE0_0000, 1, 0, 4, 0, 4),  # of a device
        (0x1000, 2, 0, 8, 0, 0),
    ]
    out = tmp_path / "out.parquet"
    found = convert(written(tmp_path, recording(*records)), out)
    assert (found.loads, found.stores, found.accesses, found.instructions) == (2, 1, 4, 24)
    assert found.left_out == {"accesses to devices": 1}
    assert (found.metadata.vcpus, found.metadata.address_space, found.metadata.mapping) == (2, "physical", "identity")
    trace = open_trace(out)
    assert [chunk.block.tolist() for vcpu in range(2) for chunk in trace.chunks(vcpu)] == [[64, 64], [64, 65]]
    assert [chunk.instructions.tolist() for vcpu in range(2) for chunk in trace.chunks(vcpu)] == [[5, 12], [7, 0]]
    assert [chunk.idle_ns for vcpu in range(2) for chunk in trace.chunks(vcpu)] == [0, 250]
    assert found.metadata.idle_ns == trace.metadata.idle_ns == 250


@pytest.mark.parametrize(
    ("threads", "idle_ns", "left_out"),
    [("vcpus", [0, 200, 100, 60], 0), ("only=3", [100, 60], 0), ("merge", [0], 360)],
)
def test_idle_time_begins_a_record_and_threads_that_share_a_vcpu_have_none(
    tmp_path: Path, threads: str, idle_ns: list[int], left_out: int
) -> None:
    records = [
        (0x1000, 5, 0, 8, 7, 0),
        (0x1000, 5, 100, 8, 3, 0),
        (0x1000, 5, 200, 8, 7, 0),
        (0, 2, 40, 0, 3, 2),  # idle, and no access
        (0x1000, 5, 20, 8, 3, 0),
    ]
    out = tmp_path / "out.parquet"
    found = convert(written(tmp_path, recording(*records)), out, threads=threads)
    trace = open_trace(out)
    assert [chunk.idle_ns for vcpu in range(trace.metadata.vcpus) for chunk in trace.chunks(vcpu)] == idle_ns
    assert found.metadata.idle_ns == trace.metadata.idle_ns == (sum(idle_ns) or None)
    assert found.left_out.get("idle time of threads that share a vCPU, ns", 0) == left_out
    assert convert(tmp_path / "recording", None, threads=threads).metadata == found.metadata


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (recording((0, 1, 0, 8, 0, 8)), ": byte 32: is no record of the plug-in"),
        (recording((0, 1, 0, 1 << 30, 0, 0)), ": byte 32: is no record of the plug-in"),
        (recording((0, 1 << 40, 0, 8, 0, 0)), ": byte 32: is no record of the plug-in"),
        (recording((0, 1, 0, 8, 0, 0))[:-1], ": byte 32: cut off"),
        (recording((0, 1, 0, 8, 0, 0), version=2), "is of version 2, known are 1"),
        (recording((2**64 - 4, 1, 0, 8, 0, 0)), "ends beyond 64 bits"),
    ],
)
def test_faults_of_a_plug_ins_recording(tmp_path: Path, content: bytes, told: str) -> None:
    assert told in refusal(written(tmp_path, content))


def test_virtual_addresses_of_a_plug_ins_recording(tmp_path: Path) -> None:
    content = recording((1 << 46, 1, 0, 8, 0, 0), physical=False)
    assert not QEMU_PLUGIN.is_physical(content)
    assert convert(written(tmp_path, content), None).metadata.mapping == "first-touch"


def test_every_format_is_offered() -> None:
    offered = {"auto", "qemu-plugin", "lackey", "columns", "drmemtrace", "champsim", "gem5", "din", "xdin"}
    assert {*NAMES} == offered | {"pinatrace", "execlog"}


def test_execlog_of_system_mode_names_devices(tmp_path: Path) -> None:
    content = (
        b'0, 0x40, 0x1, "movq %rax, (%rbx)", store, 0x1000, RAM\n'
        b'1, 0x44, 0x1, "movsq", load, 0x2000, RAM, store, 0xfee00000, apic-msi\n'
    )
    found = convert(written(tmp_path, content), None)
    assert (found.loads, found.stores, found.instructions) == (1, 1, 2)
    assert (found.left_out, found.metadata.mapping) == ({"accesses to devices": 1}, "identity")


def test_compression_is_told_by_magic_whatever_the_name(tmp_path: Path) -> None:
    plain = lzma.decompress((FORMATS / "ls.din.xz").read_bytes())
    expected = convert(FORMATS / "ls.din.xz", None).to_dict()
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("ls.din", plain)
    for path in (written(tmp_path, bz2.compress(plain), "bz2"), written(tmp_path, plain, "plain"), tmp_path / "zip"):
        found = convert(path, None).to_dict()
        assert {**found, "metadata": None} == {**expected, "metadata": None}


@pytest.mark.parametrize("name", ["ls.lackey.gz", "ls.lackey.zst", "ls.lackey.xz"])
def test_compressed_data_that_are_cut_off(tmp_path: Path, name: str) -> None:
    content = (FORMATS / name).read_bytes()
    path = written(tmp_path, content[: len(content) // 2])
    assert "cut off or damaged" in refusal(path)
    found = convert(path, None, tolerant=True)
    assert 0 < found.accesses < EXPECTED[name]["accesses"]
    assert found.left_out["compressed data cut off or damaged"] == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\x06\x00\x00sNaPpY" + bytes(100), "snappy"),
        (b"PERFILE2" + bytes(100), "perf"),
        (b"# captured on    : Mon\n# Samples: 12\n", "samples"),
        (b"Addr, RCPUs, Reads, WCPUs, Writes\n0x7f, 0x1, 2, 0x1, 3\n", "hotpages"),
        (b"core #, data accesses, data misses, dmiss rate\n0 996695 508 0.05%\n", "sums"),
        (b"0x7f64768732d0 P_FETCH 1\n0x7f64768732d0 P_MEM_WR 2\n", "DRAMSim"),
        (b"0x12345680 R\n0x4cbd56c0 W\n", "Ramulator"),
        (b"3 20734016\n" * 2, "no operation|no format|no accesses"),
        (b"  8,0    1        1     0.000000000  4162  Q   R 223490 + 8 [cat]\n", "disk"),
        (b"hello\n", "no format that is known"),
        (bytes(100), "no format that is known"),
    ],
)
def test_what_no_guest_can_be_made_of(tmp_path: Path, content: bytes, told: str) -> None:
    assert any(each in refusal(written(tmp_path, content)) for each in told.split("|"))


def test_cloudsuites_records_are_of_another_size(tmp_path: Path) -> None:
    record = (0x400000).to_bytes(8, "little") + bytes([0, 1]) + b"\x07" * 8 + bytes(70)
    assert "88 bytes" in refusal(written(tmp_path, record * 20), format="champsim")


def test_a_record_of_champsim_with_impossible_flags(tmp_path: Path) -> None:
    content = bytearray((FORMATS / "raw.champsim").read_bytes())
    content[64 * 100 + 8] = 7
    path = written(tmp_path, bytes(content))
    assert ": byte 6400: is no record of ChampSim" in refusal(path, format="champsim")
    found = convert(path, None, format="champsim", tolerant=True)
    assert (found.instructions, found.left_out) == (999, {"records that are none": 1})


def test_inputs_of_two_formats(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="convert them apart"):
        convert([FORMATS / "escape.din", FORMATS / "crlf.lackey"], None)
    found = convert([FORMATS / "escape.din", FORMATS / "escape.din"], None)
    assert (found.accesses, found.lines_touched) == (4, 1)
    del tmp_path
