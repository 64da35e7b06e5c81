"""Quantities: what they read, what they refuse, and that writing is the inverse of reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmfailover.scenario.units import (
    BANDWIDTH,
    BYTE_RATE,
    CYCLES,
    DURATION,
    FRACTION,
    FREQUENCY,
    LIFETIME,
    RATE,
    SIZE,
    Measure,
)

WHOLE = [DURATION, LIFETIME, SIZE, BANDWIDTH, BYTE_RATE, FREQUENCY, CYCLES]


@pytest.mark.parametrize(
    ("measure", "text", "value"),
    [
        (DURATION, "5 ms", 5_000_000),
        (DURATION, "5ms", 5_000_000),
        (DURATION, " 1.5 us ", 1_500),
        (DURATION, "1.5µs", 1_500),
        (DURATION, "0.1234567 s", 123_456_700),
        (DURATION, "1 min", 60_000_000_000),
        (DURATION, "2 h", 7_200_000_000_000),
        (DURATION, "1e3 ns", 1_000),
        (DURATION, "2.5e3us", 2_500_000),
        (LIFETIME, "1000h", 3_600_000_000_000_000),
        (LIFETIME, "4 h", 14_400_000_000_000),
        (LIFETIME, "30 d", 2_592_000_000_000_000),
        (LIFETIME, "90 s", 90_000_000_000),
        (SIZE, "1 KiB", 1024),
        (SIZE, "1500 kB", 1_500_000),
        (SIZE, "0.5 GiB", 2**29),
        (SIZE, ".5 MB", 500_000),
        (BANDWIDTH, "10 Gbit/s", 10**10),
        (BYTE_RATE, "90 GB/s", 90 * 10**9),
        (BYTE_RATE, "1 GiB/s", 2**30),
        (FREQUENCY, "3.5 GHz", 3_500_000_000),
        (CYCLES, "13 cycles", 13),
        (CYCLES, "1 cycle", 1),
        (RATE, "2000 /s", 2000.0),
        (RATE, "0.5/s", 0.5),
        (FRACTION, "30 %", 0.3),
        (FRACTION, 0.3, 0.3),
        (FRACTION, 1, 1.0),
    ],
)
def test_reads(measure: Measure, text: object, value: float) -> None:
    assert measure.read(text) == value


@pytest.mark.parametrize(
    ("measure", "text", "words"),
    [
        (DURATION, 5, "5 has no unit; give it one, for example '5 ms'"),
        (DURATION, 5.0, "has no unit"),
        (DURATION, "5", "'5' is not a duration"),
        (DURATION, "5 parsecs", "is not a duration"),
        (DURATION, "ms", "is not a duration"),
        (DURATION, "5 MB", "is not a duration"),
        (DURATION, "5 ms 3 us", "is not a duration"),
        (DURATION, "٣ ms", "is not a duration"),
        (DURATION, "nan s", "is not a duration"),
        (DURATION, "0x10 s", "is not a duration"),
        (DURATION, "1e999 s", "is not a duration"),
        (DURATION, "-5 ms", "is negative"),
        (DURATION, "3 h", "beyond the limit of 2 h"),
        (DURATION, "0.5 ns", "not a whole number of ns"),
        (DURATION, None, "expected a duration"),
        (DURATION, True, "expected a duration"),
        (DURATION, ["5 ms"], "expected a duration"),
        (LIFETIME, "30", "'30' is not a time; write a number and a unit"),
        (LIFETIME, "30 days", "is not a time"),
        (LIFETIME, "100000001 h", "beyond the limit of 100000000 h"),
        (SIZE, "5 Mb", "is not a size"),
        (SIZE, "1.5 B", "not a whole number of B"),
        (SIZE, "17 TiB", "beyond the limit of 16 TiB"),
        (FRACTION, 30, "30 is not between 0 and 1"),
        (FRACTION, "101 %", "beyond the limit"),
        (FRACTION, float("nan"), "not between 0 and 1"),
    ],
)
def test_refuses(measure: Measure, text: object, words: str) -> None:
    with pytest.raises(ValueError, match=r"(?s).*") as caught:
        measure.read(text)
    assert words in str(caught.value)


def test_a_long_text_is_refused_with_a_short_message() -> None:
    with pytest.raises(ValueError, match="not a duration") as caught:
        DURATION.read("5" * 100_000)
    assert len(str(caught.value)) < 300


@given(st.sampled_from(WHOLE), st.integers(0, 10**6), st.integers(0, 3))
def test_writing_a_whole_quantity_is_the_inverse_of_reading(measure: Measure, mantissa: int, thousands: int) -> None:
    value = min(mantissa * 1000**thousands, int(measure.read(measure.maximum)))
    assert measure.read(measure.format(value)) == value


@given(st.just(0.0) | st.floats(1e-9, 1e9))
def test_writing_a_rate_is_the_inverse_of_reading(value: float) -> None:
    assert RATE.read(RATE.format(value)) == value


@pytest.mark.parametrize(
    ("measure", "value", "text"),
    [
        (DURATION, 5_000_000, "5 ms"),
        (DURATION, 0, "0 ns"),
        (LIFETIME, 48 * 3_600_000_000_000, "2 d"),
        (SIZE, 2**30, "1 GiB"),
        (SIZE, 1500, "1500 B"),
    ],
)
def test_writes_in_the_largest_unit_that_is_exact(measure: Measure, value: int, text: str) -> None:
    assert measure.format(value) == text
