"""A shaped link: what passes at once, and how long the rest waits for tokens."""

from hypothesis import given, settings
from hypothesis import strategies as st

from vmfailover.hardware.token_bucket import TokenBucket
from vmfailover.scenario.network import Shaper

#: A token comes every 10 ns, and a byte leaves in 1 ns if there is one.
RATE_NS, WIRE_NS = 10, 1
BURST = 1000


def bucket() -> TokenBucket:
    return TokenBucket(Shaper.model_validate({"rate": "800 Mbit/s", "burst": f"{BURST} B"}))


def test_a_burst_leaves_as_fast_as_the_wire_is() -> None:
    assert bucket().take(1000, 50, 1000 * WIRE_NS) == 1000


def test_what_is_beyond_the_burst_waits_for_its_tokens() -> None:
    assert bucket().take(3000, 0, 3000 * WIRE_NS) == (3000 - BURST) * RATE_NS


def test_a_bucket_fills_again_while_nothing_leaves_and_not_beyond_the_burst() -> None:
    shaped = bucket()
    empty_ns = shaped.take(5000, 0, 5000 * WIRE_NS)
    assert shaped.leaving_ns(300, empty_ns, 300) == 300 * RATE_NS
    assert shaped.leaving_ns(300, empty_ns + 200 * RATE_NS, 300) == 100 * RATE_NS
    assert shaped.leaving_ns(3000, empty_ns + 10**9, 3000) == (3000 - BURST) * RATE_NS


def test_asking_takes_no_tokens() -> None:
    shaped = bucket()
    assert [shaped.leaving_ns(2000, 0, 2000) for _ in range(2)] == [10_000, 10_000]


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 20_000)), min_size=1, max_size=12))
def test_no_more_passes_than_the_burst_and_the_rate_let(messages: list[tuple[int, int]]) -> None:
    shaped, now, sent = bucket(), 0, 0
    for size, gap in messages:
        now += gap
        now += shaped.take(size, now, size * WIRE_NS)
        sent += size
        assert sent <= BURST + now / RATE_NS + 1
