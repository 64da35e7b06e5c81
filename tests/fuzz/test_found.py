"""What the search has found stays found: small scenarios that once broke a law."""

from pathlib import Path

import pytest

from vmfailover.scenario import load

from .trial import tried

FOUND = sorted((Path(__file__).parent / "found").glob("*.yaml"))


@pytest.mark.parametrize("path", FOUND, ids=[path.stem for path in FOUND])
def test_no_law_is_broken_any_more(path: Path) -> None:
    assert tried(load(path)).findings == ()
