"""The garbage collector rests where it is told to, and no longer."""

import gc

import pytest

from vmfailover.engine.collection import collection_paused


def fail() -> None:
    assert not gc.isenabled()
    raise KeyError


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_rests_and_is_as_before_afterwards(enabled: bool) -> None:
    (gc.enable if enabled else gc.disable)()
    try:
        with pytest.raises(KeyError), collection_paused():
            fail()
        assert gc.isenabled() is enabled
    finally:
        gc.enable()
