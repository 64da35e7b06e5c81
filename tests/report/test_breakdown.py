"""The bar of a failover's parts."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.report.breakdown import Part, bar, breakdown, legend
from vmfailover.results.quantities import duration

from .outcomes import outcome

SETTINGS = settings(derandomize=True, deadline=None, max_examples=300)
LOOKS = (("detection", "█"), ("fencing", "▓"), ("apply", "▒"), ("activation", "░"))


def parts(amounts: list[int]) -> list[Part]:
    return [Part(name, amount, glyph, "") for amount, (name, glyph) in zip(amounts, LOOKS, strict=False)]


def shown(name: str, width: int = 80) -> list[str]:
    return [line.plain for line in breakdown(outcome(name), width)]


@given(amounts=st.lists(st.integers(0, 10**10), min_size=1, max_size=4).filter(any), width=st.integers(20, 80))
@SETTINGS
def test_the_bar_is_as_wide_as_asked_for(amounts: list[int], width: int) -> None:
    assert len(bar(parts(amounts), width)) == width


@given(amounts=st.lists(st.integers(0, 10**10), min_size=1, max_size=4).filter(any), width=st.integers(20, 80))
@SETTINGS
def test_every_part_is_seen_in_proportion_and_in_order(amounts: list[int], width: int) -> None:
    text = bar(parts(amounts), width).plain
    cells = {part.glyph: text.count(part.glyph) for part in parts(amounts)}
    for part in parts(amounts):
        exact = part.duration_ns * width / sum(amounts)
        assert (cells[part.glyph] > 0) == (part.duration_ns > 0)
        assert abs(cells[part.glyph] - exact) < len(amounts)
    assert text == "".join(glyph * number for glyph, number in cells.items())


@given(amounts=st.lists(st.integers(0, 10**10), min_size=1, max_size=4), width=st.integers(20, 100))
@SETTINGS
def test_no_entry_of_the_legend_is_broken(amounts: list[int], width: int) -> None:
    lines = [line.plain for line in legend(parts(amounts), width)]
    assert all(len(line) <= width for line in lines)
    entries = [entry for line in lines for entry in line.split("   ")]
    assert entries == [f"{part.glyph} {part.name} {duration(part.duration_ns)}" for part in parts(amounts)]
    assert all(len(f"{line}   {after.split('   ')[0]}") > width for line, after in pairwise(lines))


def test_of_a_failover() -> None:
    title, drawn, entries = shown("failover")
    values = outcome("failover").values
    assert title == f"failover {duration(values['failover.latency_ns'])}"
    assert len(drawn) == 80
    assert set(drawn) == {"█", "▓", "░"}
    assert entries.startswith(f"█ detection {duration(values['failover.detection_ns'])}   ▓ fencing 300 µs   ▒ apply ")


@pytest.mark.parametrize(("width", "lines"), [(100, 3), (60, 4), (30, 6)])
def test_fits_the_terminal(width: int, lines: int) -> None:
    printed = shown("failover", width)
    assert len(printed) == lines
    assert max(map(len, printed)) == len(printed[1]) == min(width, 80)


def test_of_an_unfinished_failover() -> None:
    title, drawn, entries = shown("unfinished failover")
    assert title.startswith("failover not finished after ")
    assert set(drawn) == {"█", "▓"}
    assert "activation" not in entries


def test_of_a_false_alarm() -> None:
    title, drawn, entries = shown("false alarm")
    assert title == "takeover 500 µs"
    assert set(drawn) == {"▓", "░"}
    assert "detection" not in entries


@pytest.mark.parametrize("name", ["no failure", "failure that never came", "late failure"])
def test_there_is_none_without_a_takeover(name: str) -> None:
    assert not shown(name)
