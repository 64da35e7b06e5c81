"""Keys of a sweep on axes: their order, their labels, and which sweeps are grids."""

import pytest

from vmfailover.errors import InputError
from vmfailover.report.figures.sweep_keys import KeyAxis, as_written, number_in, require_grid

from .sweeps import made


def axis(*texts: str) -> KeyAxis:
    return KeyAxis.of(made({"a": texts}, {}), "a")


@pytest.mark.parametrize(
    ("text", "written", "number"),
    [
        ("500us", "500 µs", 5e5),
        ("154900 ns", "154.9 µs", 154_900),
        ("1000 Mbit/s", "1 Gbit/s", 1e9),
        ("64KiB", "64KiB", 65_536),
        ("30 %", "30 %", 0.3),
        ("12", "12", 12),
        ("cacheline-flags", "cacheline-flags", None),
    ],
)
def test_values_are_written_as_people_do(text: str, written: str, number: float | None) -> None:
    assert as_written(text) == written
    assert number_in(text) == (number if number is None else pytest.approx(number))


def test_numbers_are_in_ascending_order_and_names_as_they_came() -> None:
    assert axis("5ms", "500us", "1ms").labels == ["500 µs", "1 ms", "5 ms"]
    assert axis("5ms", "500us", "1ms").places == [5e5, 1e6, 5e6]
    assert axis("witness", "none", "30").labels == ["witness", "none", "30"]
    assert axis("witness", "none", "30").places == [0, 1, 2]


@pytest.mark.parametrize(
    ("texts", "logarithmic"),
    [
        (("1ms", "10ms", "100ms"), True),
        (("1ms", "2ms", "3ms"), False),
        (("0us", "1ms", "10ms"), False),
        (("1ms", "10ms"), False),
        (("a", "b", "c"), False),
    ],
)
def test_equal_factors_make_a_logarithmic_axis(texts: tuple[str, ...], logarithmic: bool) -> None:
    assert axis(*texts).logarithmic is logarithmic


def test_more_keys_than_are_shown_are_refused_with_what_to_fix() -> None:
    found = made({"a": ["1", "2"], "b": ["3", "4"], "c": ["5", "6"]}, {})
    with pytest.raises(InputError, match=r"3 vary: a, b, c; fix the others, for example \.where\(\{'c': '5'\}\)"):
        require_grid(found, 2, "heat_map")
    require_grid(found.where({"c": "5"}), 2, "heat_map")


def test_what_is_no_grid_is_refused() -> None:
    with pytest.raises(InputError, match="2 of 4 pairs were tried, as by a zip or a latin hypercube"):
        require_grid(made({"a": ["1", "2"], "b": ["3", "4"]}, {}, zipped=True), 2, "heat_map")
