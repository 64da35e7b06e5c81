"""Messages: what they weigh on the link."""

import pytest

from vmfailover.replication.messages import HEADER_BYTES, CommitMarker
from vmfailover.scenario.sizes import ADDRESS_BYTES

from .machinery import LINE_BYTES, batch, state


@pytest.mark.parametrize("lines", [0, 1, 5])
def test_a_batch_is_a_header_and_an_address_with_each_line(lines: int) -> None:
    payload = batch(0, dict.fromkeys(range(lines), 1)).payload_bytes
    assert payload == HEADER_BYTES + lines * (ADDRESS_BYTES + LINE_BYTES)


def test_a_marker_is_a_header_and_the_state() -> None:
    assert CommitMarker(3, 7, state(1), 8192).payload_bytes == HEADER_BYTES + 8192
