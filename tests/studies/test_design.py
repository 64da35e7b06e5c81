"""Which points a sweep has."""

import numpy as np
import pytest

from vmfailover.errors import InputError
from vmfailover.studies.design import points


def test_a_grid_has_each_value_with_each() -> None:
    grid = points({"a": "1ms,2ms", "b": ["x", "y", "z"]})
    assert len(grid) == 6
    assert grid[0] == {"a": "1ms", "b": "x"}
    assert grid[-1] == {"a": "2ms", "b": "z"}


def test_values_zipped_go_together() -> None:
    assert points({"a": "1,2", "b": "3,4"}, "zip") == [{"a": "1", "b": "3"}, {"a": "2", "b": "4"}]


def test_a_range_has_both_ends_and_even_steps() -> None:
    assert [point["a"] for point in points({"a": "1ms:100ms:3:log"})] == ["1 ms", "10 ms", "100 ms"]
    assert [point["a"] for point in points({"a": "0:10:3"})] == ["0", "5", "10"]


def test_a_value_may_be_a_mapping_or_a_list() -> None:
    (point,) = points({"detection": "{kind: token, token: {members: 3, token: 1 s}}"})
    assert point["detection"] == "{kind: token, token: {members: 3, token: 1 s}}"


def test_a_latin_hypercube_has_one_point_in_each_slice_of_each_key() -> None:
    drawn = points({"a": "0.0:1.0", "b": "0.0:10.0"}, "latin-hypercube", 20, seed=3)
    for key, scale in (("a", 20), ("b", 2)):
        slices = np.floor([min(float(point[key]) * scale, 19.999) for point in drawn])
        assert sorted(slices) == list(range(20))
    assert drawn == points({"a": "0.0:1.0", "b": "0.0:10.0"}, "latin-hypercube", 20, seed=3)
    assert drawn != points({"a": "0.0:1.0", "b": "0.0:10.0"}, "latin-hypercube", 20, seed=4)


@pytest.mark.parametrize(
    ("keys", "design", "count", "words"),
    [
        ({}, "grid", None, "at least one"),
        ({"a": "1,2", "b": "1"}, "zip", None, "equally many values"),
        ({"a": "1:2:1"}, "grid", None, "N of at least 2"),
        ({"a": "1:2:x"}, "grid", None, "N of at least 2"),
        ({"a": "1:2"}, "latin-hypercube", None, "needs the number"),
        ({"a": ["1", "2"]}, "latin-hypercube", 3, "needs a range"),
        ({"a": "1,2"}, "grid", 3, "belongs to a latin hypercube"),
    ],
)
def test_refuses(keys: dict[str, str], design: str, count: int | None, words: str) -> None:
    with pytest.raises(InputError, match=words):
        points(keys, design, count)  # type: ignore[arg-type]
