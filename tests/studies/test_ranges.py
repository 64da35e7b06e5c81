"""Ranges of a key's values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenarios_for_tests import small

from vmfailover.errors import InputError
from vmfailover.studies.ranges import Range


@pytest.mark.parametrize(
    ("text", "position", "value"),
    [
        ("k=1ms:100ms:log", 0.5, "10 ms"),
        ("k=1ms:100ms", 0.5, "50500 us"),
        ("k=500us:100ms", 0.0, "500 us"),
        ("k=1 Gbit/s:40 Gbit/s", 1.0, "40 Gbit/s"),
        ("k=0 %:50 %", 0.5, "25 %"),
        ("k=1:9", 0.5, "5"),
        ("k=1.0:2.0", 0.25, "1.25"),
    ],
)
def test_values_at_positions(text: str, position: float, value: str) -> None:
    assert Range.parse(text).at(position) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("k=1ms", "write KEY=LO:HI"),
        ("k=1ms:2ms:cubic", "write KEY=LO:HI"),
        ("k=2ms:1ms", "smaller"),
        ("k=0ms:1ms:log", "above 0"),
        ("k=1ms:1MB", "not two quantities of one kind"),
        ("k=1:2ms", "not two quantities of one kind"),
        ("k=", "write KEY=LO:HI"),
    ],
)
def test_refuses(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Range.parse(text)


@given(st.floats(0, 1), st.booleans())
def test_every_position_is_a_value_that_a_scenario_takes(position: float, log: bool) -> None:
    spread = Range.parse(f"replication.checkpoint_interval=300us:7ms{':log' if log else ''}")
    text = spread.at(position)
    interval = small(**{"replication.checkpoint_interval": text}).replication.checkpoint_interval
    assert 300_000 <= interval <= 7_000_000


@given(st.text(max_size=30))
def test_no_text_is_a_traceback(text: str) -> None:
    try:
        spread = Range.parse(text)
    except InputError:
        return
    assert spread.low < spread.high
