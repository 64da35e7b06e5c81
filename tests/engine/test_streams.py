"""Random numbers: a stream for each name, whoever else draws."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.engine.streams import generator, seed_sequence

EXAMPLES = settings(derandomize=True, deadline=None, max_examples=60)
#: What no machine and no version of NumPy may change: results of old seeds hang on it.
PINNED = [6273400597638873659, 2156161640448612190, 6696619474345663225, 905432325253839261]
PINNED_KEY = (2291158415, 2882476562)
SEEDS = st.integers(0, 2**63 - 1)


def draws(seed: int, component: str) -> list[int]:
    numbers: list[int] = generator(seed, component).integers(0, 2**63, 4).tolist()
    return numbers


@EXAMPLES
@given(SEEDS, st.text(max_size=20))
def test_a_seed_and_a_name_give_the_same_stream(seed: int, name: str) -> None:
    assert draws(seed, name) == draws(seed, name)


@EXAMPLES
@given(SEEDS, SEEDS, st.text(max_size=20), st.text(max_size=20))
def test_another_seed_or_name_gives_another_stream(seed: int, other: int, name: str, another: str) -> None:
    assert (draws(seed, name) == draws(other, another)) == ((seed, name) == (other, another))


def test_a_stream_does_not_depend_on_what_others_draw() -> None:
    alone = draws(1, "link.forward")
    other, mine = generator(1, "clients"), generator(1, "link.forward")
    other.random(1000)
    assert mine.integers(0, 2**63, 4).tolist() == alone


def test_streams_are_the_same_on_every_machine() -> None:
    assert draws(1, "clients") == PINNED
    assert seed_sequence(1, "clients").spawn_key[:2] == PINNED_KEY


def test_streams_of_two_names_are_not_correlated() -> None:
    first, second = (generator(1, name).random(10_000) for name in ("link.forward", "link.backward"))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05
