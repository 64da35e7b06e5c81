"""The scenarios of the search: legal, each made from its number alone, and of every kind."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, get_args

import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel

from vmfailover.scenario import Scenario
from vmfailover.scenario.errors import dotted
from vmfailover.scenario.keys import ANY, choices, fields_at, known_keys, section_at

from .draws import Draws
from .scenarios import Drawn, drawn
from .traces import FOLDER, TRACES, write_traces

#: So many scenarios have everything in them.
MANY = 600
#: Keys that no scenario of the search has.
LEFT_OUT = {
    "description": "says nothing to a run",
    "expect": "says nothing to a run",
    "replication.preset": "is a protocol with other keys, which are drawn",
}


@cache
def scenarios() -> list[Drawn]:
    return [drawn(seed) for seed in range(MANY)]


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


def keys_in(data: Any, prefix: str = "") -> Iterator[str]:
    """Yield the dotted keys of plain data, those of list items without their number."""
    if isinstance(data, list):
        for item in data:
            yield from keys_in(item, prefix)
    elif isinstance(data, Mapping):
        for name, value in data.items():
            yield f"{prefix}{name}"
            yield from keys_in(value, f"{prefix}{name}.")


def every_key() -> set[str]:
    """Return the dotted keys of a scenario of any kinds, those of list items without their number."""
    return {dotted(tuple(part for part in path if part != ANY)) for path in known_keys(Scenario)}


def test_every_key_of_a_scenario_is_drawn() -> None:
    possible = every_key()
    used = {key for each in scenarios() for key in keys_in(each.data) if not key.startswith("fencing.host_delay.")}
    assert used <= possible
    assert possible - used == LEFT_OUT.keys()


@pytest.mark.parametrize(
    "key", ["replication.protocol", "detection.kind", "fencing.kind", "replication.copier", "replication.log.when_full"]
)
def test_every_choice_is_drawn(key: str) -> None:
    path = tuple(key.split("."))
    section = section_at(Scenario, path[:-1])
    words = {word for field in fields_at(Scenario, path) for word in choices(field.annotation)}
    found = {each.scenario.value(key) for each in scenarios()}
    assert found == (words if section is None or path[-1] != section.kinds.key else set(section.kinds))


def test_every_fault_strikes_in_every_way() -> None:
    failures = [failure for each in scenarios() for failure in each.scenario.failures]
    kinds = Counter(failure.kind for failure in failures)
    assert min(kinds.values()) >= 20
    assert len(kinds) == 13
    assert any(failure.repeat > 1 for failure in failures)
    assert len({failure.at_phase for failure in failures}) == 13
    assert max(len(each.scenario.failures) for each in scenarios()) >= 3


def test_few_are_refused() -> None:
    assert sum(len(each.refused) for each in scenarios()) < MANY / 20


def test_a_number_gives_the_same_scenario_in_another_process() -> None:
    script = f"from {__package__}.scenarios import drawn; print([drawn(seed).data for seed in range(5)])"
    environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "99"}
    printed = subprocess.run(
        [sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True
    )
    assert printed.stdout.strip() == str([dict(drawn(seed).data) for seed in range(5)])


def test_a_choice_depends_on_its_name_alone() -> None:
    first, then = Draws("7"), Draws("7")
    first.pick("something else", [1, 2, 3])
    assert first.share("this") == then.share("this")
    assert len({Draws(str(seed)).share("this") for seed in range(100)}) == 100
    assert first.under("this").share("that") == Draws("7/this").share("that")


def test_choices_are_as_likely_as_said() -> None:
    draws = [Draws(str(seed)) for seed in range(2000)]
    heads = sum(each.chance("heads", 0.3) for each in draws)
    assert 500 < heads < 700
    weighted = Counter(each.weighted("one", {"a": 3, "b": 1}) for each in draws)
    assert 1400 < weighted["a"] < 1600
    numbers = [each.whole("number", 5, 5000) for each in draws]
    assert min(numbers) == 5
    assert max(numbers) == 5000


def test_the_traces_are_what_their_shapes_say(tmp_path: Any) -> None:
    write_traces(tmp_path)
    for name in TRACES:
        assert pq.read_table(FOLDER / name).equals(pq.read_table(tmp_path / name))
