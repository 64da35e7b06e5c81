"""A few scenarios of the search, in the quick suite."""

import pytest

from .scenarios import drawn
from .trial import tried


@pytest.mark.parametrize("seed", range(10))
def test_every_law_holds(seed: int) -> None:
    assert not tried(drawn(seed).scenario).findings
