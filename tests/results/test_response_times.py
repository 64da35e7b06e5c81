"""Response times with requests that have no answer: the estimate against SciPy's, and what follows from it."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vmfailover.results.response_times import NEVER, ResponseTimes, response_times

EXAMPLES = settings(derandomize=True, deadline=None, max_examples=200)
END = 1000
#: When each request is sent, and how long its answer takes, None for one that never comes.
SENT = st.lists(st.tuples(st.integers(0, END - 1), st.none() | st.integers(1, END)), min_size=1, max_size=40)


def times_of(sent: Sequence[tuple[int, int | None]], end: int = END) -> ResponseTimes:
    received = [NEVER if took is None or at + took > end else at + took for at, took in sent]
    return response_times(np.array([at for at, _ in sent], np.int64), np.array(received, np.int64), end)


def least_ns(times: ResponseTimes, share: float) -> int:
    """Return a quantile, or its lower bound."""
    return times.quantile_ns(share) or times.longest_ns or 0


@EXAMPLES
@given(SENT)
def test_the_curve_is_that_of_kaplan_and_meier(sent: list[tuple[int, int | None]]) -> None:
    answered = [took for at, took in sent if took is not None and at + took <= END]
    waiting = [END - at for at, took in sent if took is None or at + took > END]
    times = times_of(sent)
    curve = stats.ecdf(stats.CensoredData(uncensored=answered, right=waiting)).sf
    assert np.allclose(times.waiting, curve.evaluate(times.times), atol=1e-12)
    assert set(times.times) == set(answered)
    assert times.complete == bool(curve.probabilities[-1] < 1e-12)


@EXAMPLES
@given(SENT, st.sampled_from([0.5, 0.99, 0.999]))
def test_a_quantile_is_known_or_bounded(sent: list[tuple[int, int | None]], share: float) -> None:
    times = times_of(sent)
    found = times.quantile_ns(share)
    assert found is None or 0 < found <= (times.longest_ns or 0)
    if all(took is not None and at + took <= END for at, took in sent):
        took_all = [took for _, took in sent if took is not None]
        assert found == np.quantile(took_all, share, method="inverted_cdf")
        assert times.mean_ns == pytest.approx(np.mean(took_all))


@EXAMPLES
@given(SENT, st.integers(1, 500))
def test_a_longer_run_in_which_no_answer_comes_makes_nothing_better(
    sent: list[tuple[int, int | None]], longer: int
) -> None:
    answered = [(at, took if took is not None and at + took <= END else None) for at, took in sent]
    short, long = times_of(answered), times_of(answered, END + longer)
    assert (long.mean_ns or 0) >= (short.mean_ns or 0)
    for share in (0.5, 0.99):
        assert least_ns(long, share) >= least_ns(short, share)


def test_a_request_sent_at_the_very_end_has_taken_no_time_yet() -> None:
    times = times_of([(END, None)])
    assert (times.mean_ns, times.longest_ns, times.complete) == (0, 0, False)


def test_what_is_in_flight_at_the_end_changes_nothing() -> None:
    healthy: list[tuple[int, int | None]] = [(at, 5) for at in range(0, 900, 10)]
    assert times_of(healthy).quantile_ns(0.99) == times_of([*healthy, (997, 5), (998, 5)]).quantile_ns(0.99) == 5
    assert times_of([*healthy, (997, 5)]).mean_ns == pytest.approx(5)


def test_a_mean_of_what_is_not_all_known_is_a_lower_bound() -> None:
    times = times_of([(0, 10), (0, 30), (0, None), (0, None)])
    assert not times.complete
    assert times.mean_ns == pytest.approx((10 + 30 + 2 * END) / 4)
    assert times.quantile_ns(0.5) == 30
    assert times.quantile_ns(0.75) is None


def test_without_requests_there_is_nothing() -> None:
    times = times_of([])
    assert (times.mean_ns, times.quantile_ns(0.5), times.longest_ns, times.complete) == (None, None, None, False)
