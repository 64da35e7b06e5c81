"""YAML text: what it becomes, and what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmfailover.scenario.document import parse
from vmfailover.scenario.errors import Problem, ScenarioError


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", None),
        ("# nothing", None),
        ("a: 1", {"a": 1}),
        ("a: 0x10", {"a": 16}),
        ("a: 1.5", {"a": 1.5}),
        ("a: true", {"a": True}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: 5 ms", {"a": "5 ms"}),
        ("a: '5'", {"a": "5"}),
        ("a: [1, two]", {"a": [1, "two"]}),
        ("a: {b: {c: d}}", {"a": {"b": {"c": "d"}}}),
        ("1: a", {"1": "a"}),
        ("a: |\n  two\n  lines\n", {"a": "two\nlines\n"}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
    ],
)
def test_becomes_plain_data(text: str, data: Any) -> None:
    assert parse(text, "x").data == data


@pytest.mark.parametrize("word", ["no", "No", "off", "yes", "on", "y", "2001-01-01", "12:30:45", "_", "="])
def test_words_that_older_versions_of_yaml_turn_into_something_else_are_text(word: str) -> None:
    assert parse(f"a: {word}", "x").data == {"a": word}


def test_a_number_too_long_to_be_one_is_text() -> None:
    assert parse(f"a: {'9' * 5000}", "x").data == {"a": "9" * 5000}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "x:1:6: expected ',' or ']', but got '<stream end>'"),
        ("a: 1\nb: {c: 1, c: 2}", "x:2:11: b.c: this key is there twice"),
        ("a: &one 1", "x:1:4: anchors (&) and aliases (*) are not supported; write the value out"),
        ("a: *one", "x:1:4: anchors (&) and aliases (*) are not supported; write the value out"),
        ("a: !!int 1", "x:1:4: tags (!) are not supported; write the value alone"),
        ("a: ! 1", "x:1:4: tags (!) are not supported; write the value alone"),
        ("%YAML 1.1\n---\na: no", "x:2:1: directives (%) are not supported; scenarios are YAML 1.2"),
        ("a: 1\n---\nb: 2", "x:2:1: holds more than one document ('---'); write one scenario a file"),
        ("[" * 50, "x:1:21: is nested more than 20 deep, which no scenario is"),
        ("- 1\n" * 30_000, "x:19999:3: holds more than 20000 values, which no scenario does"),
        ("? [a]\n: 1", "x:1:3: a key must be a word, not a list or a mapping"),
    ],
)
def test_refuses(text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(text, "x")
    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["a: \0", '"\\U0011FFFF"', "\t", "a: @b", "a: `b", '"\\x', "a: b: c", "%"])
def test_refuses_in_one_line(text: str) -> None:
    with pytest.raises(ScenarioError, match=r"^x[: ]") as caught:
        parse(text, "x")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (Problem(("b", "c"), "wrong"), "x:3:6: b.c: wrong"),
        (Problem(("b", "c"), "wrong", on_key=True), "x:3:3: b.c: wrong"),
        (Problem(("b", "d"), "missing"), "x:3:3: b.d: missing"),
        (Problem(("e", 1, "f"), "wrong"), "x:4:8: e.1.f: wrong"),
        (Problem((), "wrong"), "x:1:1: wrong"),
    ],
)
def test_tells_where_a_problem_is(problem: Problem, line: str) -> None:
    document = parse("a: 1\nb:\n  c: 2\ne: [1, 2]\n", "x")
    assert str(document.error(problem)) == line


def test_tells_the_first_of_very_many_problems() -> None:
    document = parse("a: 1", "x")
    lines = str(document.error(*(Problem((f"k{number}",), "wrong") for number in range(70)))).splitlines()
    assert len(lines) == 51
    assert lines[-1] == "x: 20 more problems"


_plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(st.characters(codec="ascii", categories=["L"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.from_regex("[a-z]{1,5}", fullmatch=True), inner),
    max_leaves=10,
)


@given(_plain)
def test_reads_what_json_writes(data: Any) -> None:
    import json

    assert parse(json.dumps(data), "x").data == data
