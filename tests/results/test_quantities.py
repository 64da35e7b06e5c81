"""Numbers as people read them."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.results.quantities import (
    bit_rate,
    count,
    counted,
    duration,
    long_duration,
    percentiles,
    share,
    short_count,
    size,
    three_digits,
)

SETTINGS = settings(derandomize=True, deadline=None, max_examples=300)
UNITS = {
    duration: {"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9},
    size: {"B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12},
    bit_rate: {"bit/s": 1, "kbit/s": 1e3, "Mbit/s": 1e6, "Gbit/s": 1e9, "Tbit/s": 1e12},
    short_count: {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (duration(0), "0 ns"),
        (duration(1), "1 ns"),
        (duration(999), "999 ns"),
        (duration(1_000), "1.00 µs"),
        (duration(58_940), "58.9 µs"),
        (duration(999_499), "999 µs"),
        (duration(999_500), "1.00 ms"),
        (duration(34_000_000), "34.0 ms"),
        (duration(1.5), "1.50 ns"),
        (duration(61e9), "61.0 s"),
        (duration(-2_500), "-2.50 µs"),
        (duration(None), "–"),
        (long_duration(34_000_000), "34.0 ms"),
        (long_duration(487e9), "8.12 min"),
        (long_duration(251e12), "69.7 h"),
        (long_duration(14.7 * 31_557_600e9), "14.7 years"),
        (long_duration(None), "–"),
        (size(69_200_000), "69.2 MB"),
        (bit_rate(5.37e9), "5.37 Gbit/s"),
        (short_count(245e6), "245 M"),
        (short_count(12), "12"),
        (count(1234567.4), "1,234,567"),
        (count(None), "–"),
        (counted(0, "line"), "no lines"),
        (counted(None, "line"), "no lines"),
        (counted(1, "line"), "1 line"),
        (counted(2, "line"), "2 lines"),
        (counted(507_074, "line"), "507 k lines"),
        (counted(2, "entry", "entries"), "2 entries"),
        (share(0.0626), "6.26 %"),
        (share(0), "0 %"),
        (share(1), "100 %"),
        (share(None), "–"),
        (three_digits(9.994), "9.99"),
        (three_digits(9.996), "10.0"),
        (three_digits(99.96), "100"),
        (three_digits(-12.34), "-12.3"),
    ],
)
def test_examples(text: str, expected: str) -> None:
    assert text == expected


def test_percentiles() -> None:
    values = {"a.b_p50_ns": 58_900, "a.b_p99_ns": 70_700.0, "a.b_p999_ns": None}
    assert percentiles(values, "a.b") == "p50 58.9 µs, p99 70.7 µs"
    assert percentiles(values, "a.b", ("p50", "p999")) == "p50 58.9 µs, p99.9 –"


@given(number=st.floats(1, 9.9e14), function=st.sampled_from(list(UNITS)))
@SETTINGS
def test_what_is_read_is_within_half_a_percent(number: float, function: object) -> None:
    assert callable(function)
    digits, _, unit = function(number).partition(" ")
    assert float(digits) * UNITS[function][unit] == pytest.approx(number, rel=0.005)


@given(number=st.floats(1, 9.9e8))
@SETTINGS
def test_three_digits_and_the_unit_that_keeps_them_short(number: float) -> None:
    assert re.fullmatch(r"\d\.\d\d|\d\d\.\d|\d{3}|\d{1,3}", duration(number).partition(" ")[0])


@given(number=st.integers(0, 999))
@SETTINGS
def test_small_counts_are_exact(number: int) -> None:
    assert (short_count(number), size(number)) == (str(number), f"{number} B")
