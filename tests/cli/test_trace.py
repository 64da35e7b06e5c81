"""`vmfailover trace stats`: counts and log as an independent model has them, and clear errors."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from vmfailover.cli.main import main
from vmfailover.traces.format import Columns, TraceMetadata, write_trace

REDIS = Path(__file__).parents[2] / "scenarios" / "traces" / "redis-set.parquet"
PUBLISHED_KEYS = {
    "accesses", "loads", "stores", "l1_load_hits", "l2_hits", "l2_misses", "writebacks", "log_castout", "log_scan",
    "scans", "log_entries", "log_distinct", "dirty_at_end", "seconds", "accesses_per_second",
}  # fmt: skip


@dataclass(frozen=True)
class Published:
    """What an independent C model of the same rules counted on the redis trace, and the SHA-256 of its log."""

    hierarchy: str
    overrides: tuple[str, ...]
    scan_instructions: int | None
    l1_load_hits: int
    l2_hits: int
    l2_misses: int
    writebacks: int
    log_castout: int
    log_scan: int
    scans: int
    log_distinct: int
    dirty_at_end: int
    #: Of the addresses in bytes, little-endian 64-bit integers in the order in which they were logged.
    log: str

    @property
    def counts(self) -> dict[str, int]:
        names = "l1_load_hits l2_hits l2_misses writebacks log_castout log_scan scans log_distinct dirty_at_end"
        return {name: getattr(self, name) for name in names.split()}

    @property
    def arguments(self) -> list[str]:
        scan = () if self.scan_instructions is None else ("--scan-instructions", str(self.scan_instructions))
        return ["--hierarchy", self.hierarchy, *(word for text in self.overrides for word in ("--set", text)), *scan]


SMALL = ("l1.size=4KiB", "l1.ways=4", "l2.size=16KiB", "l2.ways=2")
DIRECT_MAPPED = ("line=64 B", "l1.size=1KiB", "l1.ways=1", "l2.size=32KiB", "l2.ways=1", "l3=none")
LONG_LINES = ("line=256 B", "l2.size=64KiB", "l2.ways=16")
# fmt: off
TABLE = [
    Published("power8", (), None, 3558386, 2436056, 19913, 10173, 10173, 0, 0, 4833, 2596,
              "8f8472cc84d043f397816e51c13c767a5068e659202ab8a51f2f5c748974d6d0"),
    Published("power8", (), 1_000_000, 3558386, 2436056, 19913, 10173, 2112, 22451, 13, 5977, 2596,
              "ba2b32526b97750d50366dd74611b7ff9ccb58ce9df32e2fd9bdd2e2806c7e26"),
    Published("power7", (), 1_000, 3507626, 2469864, 36865, 21268, 0, 208342, 13196, 6020, 1239,
              "8accb010bcd0f75a00516c0310d9fa4576ac148df9026751c36aab1905c8a55c"),
    Published("xeon", (), 1_000_000, 3523512, 2475793, 15050, 0, 0, 41554, 13, 10858, 10937,
              "76251160cab1cfeac3a213ca7bc7bbe1257c702dc67520b2b9de5793b0cf6936"),
    Published("power8", SMALL, 1_000_000, 3237179, 2493849, 283327, 114812, 114281, 725, 13, 6020, 126,
              "3c925c2d37fa3e265a9c6b765511deba5e6e28581201c3477ec53f510e5ac54a"),
    Published("power8", DIRECT_MAPPED, None, 2636000, 3071147, 307208, 143736, 143736, 0, 0, 10936, 472,
              "5f438ddeec4fa8dc024a5f4b4c64520d6e22f1188220297a1ecfbe5191ef04d1"),
    Published("power8", LONG_LINES, 1_000, 3549324, 2349007, 116024, 48942, 0, 160767, 13196, 3478, 230,
              "618ac3dfd037175db06d9eb6a9b879d32f2ead2f904f32887a5d092fde264f39"),
]
# fmt: on


def stats(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["trace", "stats", *map(str, arguments)])


def counted(*arguments: object) -> dict[str, Any]:
    result = stats(*arguments, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    printed: dict[str, Any] = json.loads(result.stdout)
    return printed


@pytest.fixture
def small_trace(tmp_path: Path) -> Path:
    """Two vCPUs; the stores go to blocks 0 (twice), 2 and 70 (three times)."""
    columns = Columns(
        vcpu=np.array([0, 1, 0, 1, 0]),
        block=np.array([0, 1, 2, 70, 0]),
        write=np.array([1, 0, 1, 1, 1]),
        count=np.array([1, 4, 1, 3, 1]),
        instructions=np.array([2, 3, 5, 7, 11]),
    )
    path = tmp_path / "small.parquet"
    write_trace(path, [columns], TraceMetadata(memory_bytes=1 << 20, vcpus=2, source="a test"))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("published", TABLE, ids=lambda row: " ".join(row.arguments))
def test_the_redis_trace_as_an_independent_model_has_it(published: Published, tmp_path: Path) -> None:
    log = tmp_path / "log.npy"
    printed = counted(REDIS, *published.arguments, "--log", log)
    assert {name: printed[name] for name in published.counts} == published.counts
    assert (printed["loads"], printed["stores"]) == (3664533, 2349822)
    addresses = np.load(log)
    assert addresses.size == printed["log_entries"] == published.log_castout + published.log_scan
    assert hashlib.sha256(addresses.astype("<i8").tobytes()).hexdigest() == published.log


def test_the_keys_are_those_published(small_trace: Path) -> None:
    printed = counted(small_trace)
    assert set(printed) >= PUBLISHED_KEYS
    assert printed["seconds"] > 0
    assert printed["accesses_per_second"] == printed["accesses"] / printed["seconds"]


def test_a_trace_of_two_vcpus_is_executed_in_the_order_of_the_file(small_trace: Path, tmp_path: Path) -> None:
    log = tmp_path / "log.npy"
    printed = counted(small_trace, "--scan-instructions", 10, "--log", log)
    assert (printed["records"], printed["accesses"], printed["instructions"]) == (5, 10, 28)
    assert (printed["loads"], printed["stores"], printed["scans"]) == (4, 6, 2)
    assert np.load(log).tolist() == [0, 128, 0, 70 * 64]


def test_bytes_dirtied(small_trace: Path) -> None:
    dirtied = {"8 B": None, "64 B": 192, "128 B": 384, "4 KiB": 8192, "2 MiB": 2 << 20}
    assert counted(small_trace)["bytes_dirtied"] == dirtied


def test_repeating_changes_no_count(small_trace: Path) -> None:
    once, often = counted(small_trace), counted(small_trace, "--repeat", 3)
    for name in ("seconds", "accesses_per_second", "records_per_second"):
        assert once.pop(name) > 0 < often.pop(name)
    assert once == often


def test_prints_a_table(small_trace: Path) -> None:
    result = stats(small_trace)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert ["accesses", "10"] in lines
    assert ["stores", "6"] in lines
    assert ["dirtied", "in", "pieces", "of", "8", "B", "not", "in", "the", "trace"] in lines


def damaged(path: Path) -> Path:
    content = bytearray(path.read_bytes())
    content[4:60] = bytes(56)
    path.write_bytes(content)
    return path


def cut(path: Path) -> Path:
    path.write_bytes(path.read_bytes()[:-100])
    return path


def emptied(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def removed(path: Path) -> Path:
    path.unlink()
    return path


@pytest.mark.parametrize("spoil", [damaged, cut, emptied, removed, lambda path: path.parent])
def test_a_bad_file_leaves_no_log(small_trace: Path, tmp_path: Path, spoil: Any) -> None:
    path = spoil(small_trace)
    before = sorted(tmp_path.iterdir())
    result = stats(path, "--log", tmp_path / "log.npy")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"{path}: ")
    assert len(result.stderr.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--hierarchy", "power9"], "power9"),
        (["--set", "l2.sise=1KiB"], "l2.sise"),
        (["--set", "l2.size=1000 KiB"], "power-of-two number of sets"),
        (["--set", "l2.size=5"], "l2.size"),
        (["--set", "l2"], "l2"),
    ],
)
def test_a_hierarchy_that_cannot_be(small_trace: Path, arguments: list[str], problem: str) -> None:
    result = stats(small_trace, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert problem in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("arguments", [["--scan-instructions", "0"], ["--repeat", "0"], ["--hierarchy"]])
def test_wrong_usage(small_trace: Path, arguments: list[str]) -> None:
    assert stats(small_trace, *arguments).exit_code == 2


def test_a_log_that_cannot_be_written(small_trace: Path, tmp_path: Path) -> None:
    for path, reason in ((tmp_path, "is a folder"), (tmp_path / "no" / "log.npy", "no such file or directory")):
        result = stats(small_trace, "--log", path)
        assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"error: {path}: {reason}\n")
