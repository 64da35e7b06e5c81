"""What becomes of operations: splitting, choice, threads, mapping, instructions, records, and what the file says."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scenarios_for_tests import BASE

import vmfailover as vf
from traces.convert.recordings import FORMATS, recording
from vmfailover.errors import InputError
from vmfailover.traces.accesses import AccessChunk
from vmfailover.traces.columns import Columns
from vmfailover.traces.convert import convert
from vmfailover.traces.convert.mapping import mapping_of
from vmfailover.traces.convert.merging import merged
from vmfailover.traces.convert.pages import LineCounts, PageNumbers
from vmfailover.traces.format import open_trace

SETTINGS = settings(derandomize=True, deadline=None, max_examples=60)
SPEC = "address=2:hex,op=1,size=3"


def text(folder: Path, *lines: str) -> Path:
    path = folder / "recording.txt"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def records(folder: Path, *lines: str, **options: Any) -> list[tuple[int, int, int, int]]:
    """Return block, write, count and instructions of each record that lines are converted to."""
    out = folder / "out.parquet"
    convert(text(folder, *lines), out, **{"columns": SPEC, "mapping": "identity", **options})
    return [row for vcpu in range(open_trace(out).metadata.vcpus) for row in rows(open_trace(out).chunks(vcpu))]


def rows(chunks: Any) -> list[tuple[int, int, int, int]]:
    found = []
    for chunk in chunks:
        assert isinstance(chunk, AccessChunk)
        columns = (chunk.block, chunk.write, chunk.count, chunk.instructions)
        found += list(zip(*(column.tolist() for column in columns), strict=True))
    return found


def test_accesses_are_split_at_blocks_and_equal_ones_in_a_row_merged(tmp_path: Path) -> None:
    found = records(tmp_path, "R 3c 8", "R 40 4", "W 40 4", "W 7f 1", "R 0 200", instructions_per_access=2.0)
    assert found == [(0, 0, 1, 2), (1, 0, 2, 2), (1, 1, 2, 4), (0, 0, 1, 2), (1, 0, 1, 0), (2, 0, 1, 0), (3, 0, 1, 0)]


def test_equal_accesses_are_merged_from_one_piece_to_the_next() -> None:
    def piece(*blocks: int) -> Columns:
        values: Any = np.array(blocks)
        ones: Any = np.ones(len(blocks), np.int64)
        return Columns(
            np.zeros(len(blocks), np.uint8), values.astype(np.uint32), ones.astype(np.uint8), ones, ones + 1, ones - 1
        )

    pieces = list(merged([piece(1, 1), piece(1), piece(1, 2), piece(2)]))
    found = [(int(b), int(c), int(i)) for p in pieces for b, c, i in zip(p.block, p.count, p.instructions, strict=True)]
    assert found == [(1, 4, 8), (2, 2, 4)]


def test_a_count_and_instructions_stay_within_their_columns() -> None:
    large, ones = [2**32 - 2, 1, 1], [1, 1, 1]
    for values in ((large, ones), (ones, large)):
        count, instructions = (np.array(each) for each in values)
        zeros: Any = np.zeros(3, np.uint8)
        parts: Any = merged([Columns(zeros, zeros.copy(), zeros.copy(), count, instructions, 0 * count)])
        first, second = [row for part in parts for row in zip(part.count, part.instructions, strict=True)]
        assert max(first) == 2**32 - 1
        assert max(second) == 1


@pytest.mark.parametrize(("skip", "limit"), [(0, 3), (2, 3), (3, 2), (1, 100), (6, 1)])
def test_skip_and_limit_choose_accesses_to_blocks(tmp_path: Path, skip: int, limit: int) -> None:
    lines = ("R 0 80", "W 100 1", "W 17f 2", "R 200 1", "R 240 1")
    whole = records(tmp_path, *lines)
    path = text(tmp_path, *lines)
    found = convert(path, tmp_path / "part.parquet", columns=SPEC, mapping="identity", skip=skip, limit=limit)
    expected = whole[skip : skip + limit]
    assert [row[:3] for row in rows(open_trace(tmp_path / "part.parquet").chunks(0))] == [row[:3] for row in expected]
    assert found.accesses == len(expected)
    assert found.block_stores == sum(row[1] for row in expected)
    assert found.left_out.get("accesses that were skipped", 0) == skip
    assert found.metadata.duration_ns is None


def test_nothing_is_left_behind_the_skipped(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no accesses.*3 accesses that were skipped"):
        convert(text(tmp_path, "R 0 1", "R 0 1", "R 0 1"), None, columns=SPEC, skip=99)


def test_what_lies_behind_the_limit_is_not_read(tmp_path: Path) -> None:
    path = text(tmp_path, *["R 0 1"] * 400_000, "nonsense")
    assert convert(path, None, columns=SPEC, limit=10).accesses == 10


THREADS = ("R 0 1 7", "W 40 1 9", "R 80 1 7")


@pytest.mark.parametrize(
    ("choice", "expected", "vcpus"),
    [
        ("merge", [(0, 0, 1, 1), (1, 1, 1, 1), (2, 0, 1, 1)], 1),
        ("vcpus", [(0, 0, 1, 1), (2, 0, 1, 1), (1, 1, 1, 1)], 2),
        ("only=7", [(0, 0, 1, 1), (2, 0, 1, 1)], 1),
        ("only=9", [(1, 1, 1, 1)], 1),
    ],
)
def test_threads(tmp_path: Path, choice: str, expected: list[tuple[int, ...]], vcpus: int) -> None:
    spec = f"{SPEC},thread=4"
    assert records(tmp_path, *THREADS, columns=spec, threads=choice, instructions_per_access=1.0) == expected
    assert open_trace(tmp_path / "out.parquet").metadata.vcpus == vcpus


def test_instructions_of_merged_threads_are_those_since_any_access(tmp_path: Path) -> None:
    content = recording((0, 5, 0, 1, 3, 2), (64, 2, 0, 1, 4, 0), (128, 1, 0, 1, 3, 0))
    path = tmp_path / "recording"
    path.write_bytes(content)
    convert(path, tmp_path / "out.parquet", threads="merge")
    assert [row[3] for row in rows(open_trace(tmp_path / "out.parquet").chunks(0))] == [7, 1]
    convert(path, tmp_path / "out.parquet", threads="vcpus")
    trace = open_trace(tmp_path / "out.parquet")
    assert [[row[3] for row in rows(trace.chunks(vcpu))] for vcpu in range(2)] == [[6], [2]]


def test_more_threads_than_vcpus_there_can_be(tmp_path: Path) -> None:
    path = text(tmp_path, *(f"R 0 1 {thread}" for thread in range(257)))
    with pytest.raises(InputError, match="more than 256 threads"):
        convert(path, None, columns=f"{SPEC},thread=4", threads="vcpus")
    assert len(convert(path, None, columns=f"{SPEC},thread=4").threads) == 257


def test_first_touch_packs_pages_in_the_order_of_their_use(tmp_path: Path) -> None:
    found = records(tmp_path, "R ffff800000003040 1", "W 5000 1", "R ffff800000003080 1", mapping="first-touch")
    assert [row[0] for row in found] == [1, 64, 2]
    metadata = open_trace(tmp_path / "out.parquet").metadata
    assert (metadata.memory_bytes, metadata.page_bytes) == (1 << 20, 4096)
    assert (metadata.address_space, metadata.mapping) == ("virtual", "first-touch")
    assert metadata.converter == "vmfailover trace convert --format columns"


def test_larger_pages_keep_what_lies_together_together(tmp_path: Path) -> None:
    found = records(tmp_path, "R 401000 1", "R 1000 1", "R 400000 1", mapping="first-touch", page_bytes=2 << 20)
    assert [row[0] for row in found] == [64, 32768 + 64, 0]


def test_a_random_mapping_is_one_to_one_and_follows_its_seed() -> None:
    pages = np.arange(3000, dtype=np.uint64) * np.uint64(7919) << np.uint64(6)

    def placed(seed: int) -> list[int]:
        mapping = mapping_of("random", 4096, 3000 * 4096, seed)
        return [int(block) for part in np.array_split(pages, 7) for block in mapping.place(part)]

    first = placed(1)
    assert sorted(first) == [frame * 64 for frame in range(3000)]
    assert first == placed(1)
    assert first != placed(2)
    with pytest.raises(InputError, match="memory_bytes"):
        mapping_of("random", 4096, None, 1)


@pytest.mark.parametrize("mapping", ["identity", "first-touch", "random"])
def test_memory_that_is_too_small(tmp_path: Path, mapping: str) -> None:
    path = text(tmp_path, *(f"R {page:x}000 1" for page in range(5)))
    with pytest.raises(InputError, match="larger"):
        convert(path, tmp_path / "out.parquet", columns=SPEC, mapping=mapping, memory_bytes=4 * 4096)
    assert not (tmp_path / "out.parquet").exists()
    found = convert(path, tmp_path / "out.parquet", columns=SPEC, mapping=mapping, memory_bytes=8 * 4096)
    assert found.metadata.memory_bytes == 8 * 4096


def test_identity_of_an_address_that_no_guest_has(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"0x4000000000 lies beyond.*first-touch"):
        convert(text(tmp_path, "R 4000000000 1"), None, columns=SPEC, mapping="identity")


def test_instructions_by_the_access_add_up(tmp_path: Path) -> None:
    found = records(tmp_path, *(f"R {4096 * i:x} 1" for i in range(8)), instructions_per_access=2.5)
    assert [row[3] for row in found] == [2, 3, 2, 3, 2, 3, 2, 3]


def test_instructions_by_the_time_of_each_thread(tmp_path: Path) -> None:
    lines = ("R 0 1 1 10", "R 40 1 2 15", "R 80 1 1 12", "R c0 1 2 14", "R 100 1 2 17.5")
    spec = f"{SPEC},thread=4,time=5:us"
    found = records(tmp_path, *lines, columns=spec, threads="vcpus", clock_hz=2e9, cpi=2.0)
    assert [row[3] for row in found] == [0, 2000, 0, 0, 2500]
    assert open_trace(tmp_path / "out.parquet").metadata.duration_ns == 7500
    with pytest.raises(InputError, match="tells none"):
        convert(FORMATS / "escape.din", None, clock_hz=2e9, cpi=2.0)


def test_instructions_recorded_come_from_ticks_if_one_asks() -> None:
    found = convert(FORMATS / "ls.gem5.ptrc.gz", None, clock_hz=4e9, cpi=2.0)
    assert found.metadata.duration_ns is not None
    assert abs(found.metadata.instructions - 2 * found.metadata.duration_ns) <= 2


def test_sizes_that_are_not_told(tmp_path: Path) -> None:
    path = text(tmp_path, "R 3c 8")
    assert convert(path, None, columns="address=2:hex,op=1").accesses == 1
    assert convert(path, None, columns="address=2:hex,op=1", assume_size=8).accesses == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"page_bytes": 5000}, "page_bytes"),
        ({"page_bytes": 2048}, "page_bytes"),
        ({"memory_bytes": 4097}, "memory_bytes"),
        ({"memory_bytes": 1 << 60}, "memory_bytes"),
        ({"limit": 0}, "limit"),
        ({"assume_size": 0}, "assume_size"),
        ({"clock_hz": 1e9}, "cpi"),
        ({"clock_hz": 1e9, "cpi": 1.0, "instructions_per_access": 1.0}, "give one"),
        ({"instructions_per_access": float("nan")}, "above 0"),
        ({"threads": "all"}, "threads"),
        ({"threads": "only=x"}, "threads"),
        ({"columns": "address=1"}, "op="),
        ({"columns": "address=1,op=2:R"}, "words"),
        ({"columns": "address=1:octal,op=2"}, "octal"),
        ({"columns": "address=1,op=2,address=3"}, "once"),
        ({"columns": "address=1,op=2", "format": "din"}, "goes together"),
        ({"format": "columns"}, "goes together"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        convert(FORMATS / "escape.din", None, **options)


def test_an_input_is_not_overwritten(tmp_path: Path) -> None:
    path = text(tmp_path, "R 0 1")
    with pytest.raises(InputError, match="is an input"):
        convert(path, path, columns=SPEC)
    assert path.read_text() == "R 0 1\n"


@given(st.lists(st.integers(0, 2**58 - 1) | st.integers(0, 3000), max_size=300), st.integers(0, 5))
@SETTINGS
def test_pages_are_numbered_in_the_order_of_their_first_use(pages: list[int], copies: int) -> None:
    expected = {page: number for number, page in enumerate(dict.fromkeys(pages))}
    numbers = PageNumbers()
    for _ in range(copies + 1):
        assert numbers.of(np.array(pages, np.uint64)).tolist() == [expected[page] for page in pages]
    assert numbers.used == len(expected)


def test_many_pages_are_numbered_too() -> None:
    pages = np.random.default_rng(1).permutation(100_000).astype(np.uint64) * np.uint64(512)
    assert (PageNumbers().of(pages) == np.arange(100_000)).all()


@given(st.lists(st.tuples(st.integers(0, 500) | st.integers(2**58 - 200, 2**58 - 1), st.booleans()), min_size=1))
@SETTINGS
def test_lines_and_pages_are_counted_once(accesses: list[tuple[int, bool]]) -> None:
    counts = LineCounts()
    for part in (accesses[: len(accesses) // 2], accesses[len(accesses) // 2 :]):
        counts.add(np.array([block for block, _ in part], np.uint64), np.array([w for _, w in part], np.uint8))
    touched, written = {block for block, _ in accesses}, {block for block, is_store in accesses if is_store}
    assert counts.to_dict() == {
        "lines_touched": len(touched),
        "pages_touched": len({block // 64 for block in touched}),
        "lines_written": len(written),
        "pages_written": len({block // 64 for block in written}),
    }


def test_a_converted_trace_runs_and_its_mapping_is_told(tmp_path: Path) -> None:
    convert(FORMATS / "ls.lackey.xz", tmp_path / "ls.parquet")
    base = {key: value for key, value in BASE.items() if key != "workload"}
    scenario = vf.Scenario.model_validate(
        base | {"workload": {"trace": str(tmp_path / "ls.parquet"), "repeat": "shifted"}}
    )
    assert any("mapped first-touch in pages of 4 KiB" in line for line in scenario.warnings)
    result = vf.run(scenario)
    assert len(result.epochs) > 3
    convert(FORMATS / "ls.gem5.ptrc.gz", tmp_path / "ls.parquet", mapping="first-touch")
    assert not any("mapped" in line for line in scenario.warnings)
