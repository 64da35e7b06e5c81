"""Which cases of a test are left to the slow tests."""

from collections.abc import Iterable
from typing import Any

import pytest


def mostly_slow(cases: Iterable[Any], *quick: Any) -> list[Any]:
    """Return the cases of a test as its parameters, all but `quick` marked as slow; each of these has to be a case."""
    every = list(cases)
    assert all(case in every for case in quick), f"no such case among {every}"
    return [case if case in quick else _slow(case) for case in every]


def _slow(case: Any) -> Any:
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.slow)
