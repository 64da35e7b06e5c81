"""Tables whose columns the user names: text, Parquet and .npy."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from vmfailover.errors import InputError
from vmfailover.traces.convert import Conversion, convert
from vmfailover.traces.convert.specification import ColumnSpec


def converted(path: Path, content: str, columns: str, **options: Any) -> Conversion:
    path.write_text(content)
    return convert(path, None, columns=columns, **options)


@pytest.mark.parametrize(
    ("content", "columns"),
    [
        ("when,rw,addr,len\n1,R,4096,8\n2,W,4156,8\n", "address=addr,op=rw,size=len"),
        ("when,rw,addr,len\n1,R,4096,8\n2,W,4156,8\n", "address=3,op=2,size=4"),
        ("# a remark\nwhen;rw;addr;len\n1;R;4096;8\n2;W;4156;8", "address=addr,op=rw,size=len"),
        ('1\t"R"\t"0x1000"\t8\r\n2\tW\t0x103c\t8\r\n', "address=3,op=2,size=4"),
        ("R  1000 8\n\n  W 103c 8 and more\n", "address=2:hex,op=1,size=3"),
        ("get 1000 0x8\nput 103C 0x8\n", "address=2:hex,op=1:get/put,size=3:hex"),
        ("0,4096,8\n1,4156,8\n", "op=1,address=2,size=3"),
    ],
)
def test_text(tmp_path: Path, content: str, columns: str) -> None:
    found = converted(tmp_path / "table", content, columns)
    assert (found.loads, found.stores, found.accesses, found.lines_touched) == (1, 1, 3, 2)
    assert (found.instructions, found.metadata.instructions, found.left_out) == (None, 6, {})


def test_instructions_from_a_column_or_from_lines(tmp_path: Path) -> None:
    found = converted(tmp_path / "table", "R 0 10\nW 64 5\n", "op=1,address=2,instructions=3")
    assert (found.instructions, found.metadata.instructions) == (15, 15)
    found = converted(tmp_path / "table", "X 1\nX 2\nR 0\nX 3\n", "op=1:R/W/X,address=2")
    assert (found.instructions, found.metadata.instructions) == (3, 2)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("R,x,8,0,1,1", "has no address"),
        ("R,18446744073709551616,8,0,1,1", "has no address"),
        ("R,,8,0,1,1", "has no address"),
        ("Q,1,8,0,1,1", "has no operation"),
        ("R,1,0,0,1,1", "has no size"),
        ("R,1,1048577,0,1,1", "has no size"),
        ("R,1,8,-1,1,1", "has no number of a thread"),
        ("R,1,8,0,4294967296,1", "has no number of instructions"),
        ("R,1,8,0,1,soon", "has no time"),
        ("R,1,8,0,1,1.2.3", "has no time"),
        ("R,1,8,0,1", "has too few fields"),
        ("R,18446744073709551609,8,0,1,1", "is an access beyond the last address"),
    ],
)
def test_a_line_that_is_no_record(tmp_path: Path, line: str, told: str) -> None:
    path, spec = tmp_path / "table", "op=1,address=2,size=3,thread=4,instructions=5,time=6"
    content = f"R,18446744073709551608,8,4611686018427387903,4294967295,0.5\n{line}\nW,0,1,0,1,2\n"
    with pytest.raises(InputError) as caught:
        converted(path, content, spec)
    assert str(caught.value).startswith(f"{path}:2: the line '{line}' {told}")
    found = converted(path, content, spec, tolerant=True)
    assert (found.accesses, found.left_out) == (2, {"lines that are no records": 1})
    assert found.max_address == 2**64 - 8


def test_a_line_without_an_end_in_sight(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a line of more than"):
        converted(tmp_path / "table", "R " * (2 << 20), "op=1,address=2")


def table(**changes: Any) -> dict[str, Any]:
    return {"a": [4096, 4156, 2**63], "op": ["R", "W", "R"], "n": [8, 8, 1], "t": [0.0, 1.5, 4.0]} | changes


SPEC = "address=a,op=op,size=n,time=t:us"


@pytest.mark.parametrize("op", [["R", "W", "R"], [0, 1, 0], [False, True, False]])
def test_parquet(tmp_path: Path, op: list[Any]) -> None:
    pq.write_table(pa.table(table(op=op, a=pa.array([4096, 4156, 2**63], pa.uint64()))), tmp_path / "in.parquet")
    found = convert(tmp_path / "in.parquet", None, columns=SPEC)
    assert (found.loads, found.stores, found.accesses) == (2, 1, 4)
    assert (found.max_address, found.metadata.duration_ns) == (2**63, 4000)


@pytest.mark.parametrize(
    "change",
    [
        {"a": [0, None, 1]},
        {"a": [0, -1, 1]},
        {"op": ["R", "?", "R"]},
        {"op": [True, None, True]},
        {"n": [1, 0, 1]},
        {"n": [1, 1 << 21, 1]},
        {"t": [0.0, float("inf"), 1.0]},
    ],
)
def test_a_row_that_is_no_record(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(pa.table(table(a=[0, 1, 2]) | change), path)
    with pytest.raises(InputError, match=r"in\.parquet: row 1: is no access"):
        convert(path, None, columns=SPEC)
    found = convert(path, None, columns=SPEC, tolerant=True)
    assert (found.accesses, found.left_out) == (2, {"rows that are no records": 1})


def test_columns_of_a_type_that_cannot_be(tmp_path: Path) -> None:
    pq.write_table(pa.table(table(a=["x", "y", "z"], op=[[1], [2], [3]])), tmp_path / "in.parquet")
    with pytest.raises(InputError, match="row 0: is no access"):
        convert(tmp_path / "in.parquet", None, columns=SPEC)


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    pq.write_table(pa.table(table(a=[0, 1, 2])), tmp_path / "in.parquet")
    with pytest.raises(InputError, match="has no column where; there are a, op, n, t"):
        convert(tmp_path / "in.parquet", None, columns="address=where,op=op")
    with pytest.raises(InputError, match="has no column 9"):
        convert(tmp_path / "in.parquet", None, columns="address=9,op=op")
    with pytest.raises(InputError, match="has no column where"):
        converted(tmp_path / "table", "a,b\n1,2\n", "address=where,op=b")


def test_npy(tmp_path: Path) -> None:
    rows = np.array([(4096, 0), (4156, 1), (2**63, 0)], [("a", ">u8"), ("w", "u1")])
    np.save(tmp_path / "named.npy", rows)
    np.save(tmp_path / "plain.npy", np.array([[4096, 0], [4156, 1], [2**63, 0]], np.uint64))
    for name, columns in (("named", "address=a,op=w"), ("plain", "address=1,op=2")):
        found = convert(tmp_path / f"{name}.npy", None, columns=columns)
        assert (found.loads, found.stores, found.max_address) == (2, 1, 2**63)


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (np.zeros(3), "no .npy table"),
        (np.zeros((3, 2), order="F"), "no .npy table"),
        (np.zeros((3, 200)), "200 columns"),
        (np.array([object()]), "no .npy table"),
        (np.zeros((3, 2), "M8[s]"), "row 0: is no access"),
        (np.zeros((3, 2), np.complex128), "of a type that is no number"),
        (np.zeros((0, 2)), "no accesses"),
    ],
)
def test_npy_that_is_no_table(tmp_path: Path, array: Any, told: str) -> None:
    np.save(tmp_path / "in.npy", array)
    with pytest.raises(InputError, match=told):
        convert(tmp_path / "in.npy", None, columns="address=1,op=2")


def test_what_a_specification_says() -> None:
    spec = ColumnSpec.parse("address=a:hex, op=2:get/put/go,time=t:ms")
    assert spec.columns == {"address": "a", "op": "2", "time": "t"}
    assert spec.words == {"get": 0, "put": 1, "go": 2}
    assert (spec.address_base, spec.size_base, spec.time_unit) == (16, 10, 1e6)
    assert spec.names_columns
    assert spec.tells_instructions
