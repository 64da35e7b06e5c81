"""The table of an availability."""

import io
from dataclasses import replace
from functools import cache

import pytest
from rich.console import Console
from scenarios_for_tests import brief

from vmfailover import availability
from vmfailover.report.availability_table import print_availability
from vmfailover.studies.availability import Availability
from vmfailover.studies.executors import InThisProcess
from vmfailover.studies.host_pair import live

FAILING = brief(failures=[{"at": "2200 us", "kind": "host-crash", "target": "primary"}])


@cache
def found() -> Availability:
    return availability(FAILING, failures=20_000, failovers=2, executor=InThisProcess())


def printed(result: Availability, width: int = 80, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    print_availability(result, Console(file=file, width=width, highlight=False))
    file.seek(0)
    return file.read()


def test_a_person_finds_everything_in_twenty_lines() -> None:
    text = printed(found())
    assert len(text.splitlines()) <= 20
    assert "base · seed 7 · cacheline-flags" in text
    assert "nines: down" in text
    labels = ("downtime", "by failovers", "by outages", "failovers", "outages", "exposure", "MTTF 1000 h, MTTR 4 h")
    for label in labels:
        assert label in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(map(len, printed(found(), width).splitlines())) <= width
    assert "…" not in printed(found(), width)


def test_the_percentage_shows_as_many_digits_as_it_has_nines() -> None:
    assert "Available 99.998" in printed(found())


def test_ascii_is_enough() -> None:
    text = printed(found(), encoding="ascii")
    assert text.isascii()
    assert "?" not in text


def test_the_model_is_told() -> None:
    pair = replace(found().pair, one_crew=True, weibull_shape=1.5)
    text = printed(replace(found(), pair=pair))
    assert "MTTF 1000 h (Weibull, shape 1.5), MTTR 4 h, one repair crew" in text


def test_few_outages_are_told() -> None:
    assert "simulate more failures" not in printed(found())
    few = replace(found(), lives=found().lives[:3])
    assert f"{few.total('outages')} outages came; simulate more failures to be sure of them" in printed(few)


def test_a_vm_that_was_never_down() -> None:
    text = printed(replace(found(), lives=(live(found().pair, 1, seed=1),)))
    assert "The VM was never down" in text
    assert "none came" in text
    assert "no outages came" in text


def test_broken_invariants_and_remarks_are_told() -> None:
    first, *others = found().runs
    broken = replace(first, broken=("image: 3 lines",), remarks=("it was close",))
    text = printed(replace(found(), runs=(broken, *others)))
    assert "BROKEN INVARIANT image: 3 lines" in text
    assert "note     it was close" in text
