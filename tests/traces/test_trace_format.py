"""Trace files: what is written can be opened, and what is wrong is said in one line."""

import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.errors import InputError
from vmfailover.traces.format import Columns, TraceError, TraceMetadata, open_trace, write_trace

METADATA = TraceMetadata(memory_bytes=1 << 20, vcpus=2, source="a test")
SETTINGS = settings(derandomize=True, deadline=None, max_examples=150)


def columns(rows: int, **changes: Any) -> Columns:
    index = np.arange(rows)
    plain = {"vcpu": index % 2, "block": index * 7 % 16384, "write": index % 3 == 0}
    return Columns(**({**plain, "count": index % 4 + 1, "instructions": index % 11} | changes))


def table(**changes: Any) -> pa.Table:
    types = {"vcpu": pa.uint8(), "block": pa.uint32(), "write": pa.bool_(), "count": pa.uint32()} | {
        "instructions": pa.uint32()
    }
    arrays = {name: pa.array(values, types[name]) for name, values in zip(types, columns(10), strict=False)} | changes
    return pa.table({name: values for name, values in arrays.items() if values is not None})


def described(metadata: object) -> dict[str, str]:
    return {"vmfailover.trace": json.dumps(metadata)}


def description(**changes: Any) -> dict[str, Any]:
    return {**json.loads(METADATA.to_json()), **changes}


def written(path: Path, contents: pa.Table, metadata: object = None) -> Path:
    pq.write_table(contents.replace_schema_metadata(described(metadata or description())), path)
    return path


def read(path: Path) -> list[Any]:
    trace = open_trace(path)
    return [chunk for vcpu in range(trace.metadata.vcpus) for chunk in trace.chunks(vcpu)]


def complaint(path: Path) -> str:
    with pytest.raises(TraceError) as caught:
        read(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    assert ";" in text, "there is a remedy"
    return text


@pytest.fixture(scope="module")
def valid(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("valid") / "trace.parquet"
    write_trace(path, [columns(1000)], METADATA)
    return path.read_bytes()


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "trace.parquet"
    metadata = write_trace(path, [columns(600), columns(400)], METADATA)
    trace = open_trace(path)
    assert trace.metadata == metadata
    assert trace.records == 1000
    assert metadata.accesses == sum(int(chunk.count.sum()) for chunk in read(path))
    assert metadata.instructions == sum(int(chunk.instructions.sum()) for chunk in read(path))
    assert os.listdir(tmp_path) == ["trace.parquet"]


def test_other_programs_find_the_schema_and_its_metadata(tmp_path: Path) -> None:
    path = tmp_path / "trace.parquet"
    metadata = write_trace(path, [columns(10)], METADATA)
    schema = pq.read_schema(path)
    assert json.loads(schema.metadata[b"vmfailover.trace"]) == json.loads(metadata.to_json())
    assert dict(zip(schema.names, map(str, schema.types), strict=True)) == {
        "vcpu": "uint8",
        "block": "uint32",
        "write": "bool",
        "count": "uint32",
        "instructions": "uint32",
    }


def test_small_pieces_are_joined_to_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "trace.parquet"
    write_trace(path, [columns(300_000)] * 5, METADATA)
    footer = pq.ParquetFile(path).metadata
    assert [footer.row_group(group).num_rows for group in range(footer.num_row_groups)] == [
        1 << 20,
        1_500_000 - (1 << 20),
    ]


@pytest.mark.parametrize(
    ("pieces", "problem"),
    [
        ([], "no records"),
        ([columns(0)], "no records"),
        ([columns(10, count=np.zeros(10, int))], "count is 0"),
        ([columns(10, vcpu=np.full(10, 2))], "vCPU"),
        ([columns(10, block=np.full(10, 1 << 14))], "memory_bytes"),
        ([columns(10, instructions=np.full(10, 1 << 32))], "does not fit"),
        ([columns(10, instructions=np.full(10, -1))], "does not fit"),
    ],
)
def test_a_wrong_trace_is_not_written(tmp_path: Path, pieces: list[Columns], problem: str) -> None:
    path = tmp_path / "trace.parquet"
    path.write_text("what was there before")
    with pytest.raises(TraceError, match=problem):
        write_trace(path, pieces, METADATA)
    assert path.read_text() == "what was there before"
    assert os.listdir(tmp_path) == ["trace.parquet"]


def test_other_columns_and_orders_are_fine(tmp_path: Path) -> None:
    contents = table(block=pa.array(range(10), pa.uint64()), note=pa.array(["x"] * 10))
    path = written(tmp_path / "trace.parquet", contents.select(list(reversed(contents.column_names))))
    assert [chunk.block.tolist() for chunk in read(path)] == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]


def test_what_is_no_parquet_file(tmp_path: Path, valid: bytes) -> None:
    path = tmp_path / "trace.parquet"
    assert "does not exist" in complaint(path)
    assert "folder" in complaint(tmp_path)
    path.write_bytes(b"")
    assert "empty" in complaint(path)
    path.write_bytes(b"I, 0400d7d4,8\n" * 100)
    assert "not a Parquet file" in complaint(path)
    path.write_bytes(valid[:-100])
    assert "cut off" in complaint(path)
    path.write_bytes(b"PAR1")
    assert "cut off" in complaint(path)
    assert "not a regular file" in complaint(Path(os.devnull))
    assert "cannot be read" in complaint(tmp_path / ("x" * 5000))


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"vcpu": None}, "no column 'vcpu'; a trace has one column 'vcpu' of type uint8"),
        ({"block": pa.array(range(10), pa.int64())}, "column 'block' has type int64; .* uint32 or uint64"),
        ({"write": pa.array([0] * 10, pa.uint8())}, "column 'write' has type uint8"),
        ({"count": pa.array([1.0] * 10)}, "column 'count' has type double"),
        ({"block": pa.array([1 << 32] * 10, pa.uint64())}, "'block' has a value beyond uint32"),
        ({"block": pa.array([1 << 14] * 10, pa.uint32())}, "address lies beyond memory_bytes"),
        ({"vcpu": pa.array([2] * 10, pa.uint8())}, "not below vcpus"),
        ({"count": pa.array([0] * 10, pa.uint32())}, "count is 0"),
        ({"instructions": pa.array([None] * 10, pa.uint32())}, "'instructions' has missing values"),
    ],
)
def test_wrong_columns(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    path = written(tmp_path / "trace.parquet", table(**changes))
    with pytest.raises(TraceError, match=problem):
        read(path)
    complaint(path)


def test_a_column_twice(tmp_path: Path) -> None:
    contents = table().append_column("count", pa.array([1] * 10, pa.uint32()))
    assert "more than one column 'count'" in complaint(written(tmp_path / "trace.parquet", contents))


def test_no_rows(tmp_path: Path) -> None:
    assert "has no records" in complaint(written(tmp_path / "trace.parquet", table()[:0]))


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        (description(version=2), "'version' is 2, must be 1"),
        (description(block_bytes=128), "'block_bytes' is 128, must be 64"),
        (description(vcpus=0), "'vcpus' is 0, must be 1 to 256"),
        (description(memory_bytes=-1), "'memory_bytes' is -1"),
        (description(accesses=1.5), "'accesses' is not a whole number"),
        (description(vcpus=True), "'vcpus' is not a whole number"),
        (description(source=None), "'source' is not a text"),
        ({"version": 1}, "lacks 'block_bytes'"),
        ([1], "not a JSON object"),
    ],
)
def test_wrong_metadata(tmp_path: Path, metadata: object, problem: str) -> None:
    assert problem in complaint(written(tmp_path / "trace.parquet", table(), metadata))


@pytest.mark.parametrize("text", ["{", "", "\N{SNOWMAN}", "[" * 100_000])
def test_metadata_that_are_not_json(tmp_path: Path, text: str) -> None:
    path = tmp_path / "trace.parquet"
    pq.write_table(table().replace_schema_metadata({"vmfailover.trace": text}), path)
    assert "not JSON" in complaint(path)


def test_missing_metadata(tmp_path: Path) -> None:
    path = tmp_path / "trace.parquet"
    pq.write_table(table(), path)
    assert "lacks the metadata" in complaint(path)


def test_a_damaged_page_in_the_middle(tmp_path: Path) -> None:
    path = tmp_path / "trace.parquet"
    random = np.random.default_rng(1).integers(16384, size=100_000)
    write_trace(path, [columns(100_000, block=random)], METADATA)
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 0x10
    path.write_bytes(contents)
    assert "cannot be read" in complaint(path)


def test_an_error_survives_the_way_between_processes() -> None:
    error = TraceError.about(Path("a.parquet"), "is empty;\nrecord it")
    assert isinstance(error, InputError)
    assert str(pickle.loads(pickle.dumps(error))) == "a.parquet: is empty; record it"


def only_trace_errors(path: Path, contents: bytes) -> None:
    path.write_bytes(contents)
    error = None
    try:
        read(path)
    except TraceError as caught:
        error = caught
    assert error is None or (str(error).startswith(f"{path}: ") and len(str(error).splitlines()) == 1)


@SETTINGS
@given(st.binary(max_size=200), st.booleans())
def test_random_bytes(tmp_path_factory: pytest.TempPathFactory, contents: bytes, framed: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "random.parquet"
    only_trace_errors(path, b"PAR1" + contents + b"PAR1" if framed else contents)


@SETTINGS
@given(st.data())
def test_cut_off(tmp_path_factory: pytest.TempPathFactory, valid: bytes, data: st.DataObject) -> None:
    end = data.draw(st.integers(0, len(valid) - 1))
    only_trace_errors(tmp_path_factory.getbasetemp() / "cut.parquet", valid[:end])


@SETTINGS
@given(st.data())
def test_damaged_bytes(tmp_path_factory: pytest.TempPathFactory, valid: bytes, data: st.DataObject) -> None:
    contents = bytearray(valid)
    for place in data.draw(st.lists(st.integers(0, len(valid) - 1), min_size=1, max_size=3)):
        contents[place] = data.draw(st.integers(0, 255))
    only_trace_errors(tmp_path_factory.getbasetemp() / "damaged.parquet", bytes(contents))
