"""Half of the standing search: the even numbers."""

import pytest

from .campaign import searched


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, 300, 60))
def test_every_law_holds(first: int) -> None:
    assert not searched(range(first, first + 60, 2))
