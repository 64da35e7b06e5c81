"""Sets that are known come back from the stream that they make."""

import numpy as np
import pytest

from vmfailover.guest.workloads.hot_sets import HotSetsWorkload
from vmfailover.studies.fit.curve import Curve
from vmfailover.studies.fit.least_squares import fitted_sets
from vmfailover.studies.fit.model import FittedSet, expected, visit_stores

from .guests import guest, hot_set, observed

LENGTHS = 1000 << np.arange(11)


def curve_of(*sets: FittedSet) -> Curve:
    """The curve that these sets have by the formula."""
    units = expected(sets, LENGTHS)
    return Curve(LENGTHS, np.full(LENGTHS.size, 100), units, np.zeros_like(units))


@pytest.mark.parametrize(("burst", "part"), [(1, 64), (8, 64), (64, 64), (1, 4)])
@pytest.mark.parametrize("kind", ["random", "stream"])
def test_a_single_set_comes_back_itself(kind: str, burst: int, part: int) -> None:
    known = FittedSet(kind, 512.0, 0.9 / burst / 512, burst, part)  # type: ignore[arg-type]
    (found,) = fitted_sets(curve_of(known))
    assert (found.kind, found.burst, found.part) == (known.kind, known.burst, known.part)
    assert found.pages == pytest.approx(known.pages, rel=0.02)
    assert found.rate == pytest.approx(known.rate, rel=0.02)


KNOWN = {
    "at random": guest(hot_set(1e7, "2 MiB")),
    "in turn": guest(hot_set(1e6, "4 MiB", "stream", burst="4 KiB")),
    "bursts of two sizes": guest(hot_set(3e6, "256 KiB", burst="128 B"), hot_set(1e6, "4 MiB", burst="512 B")),
    "a stream beside a hot set": guest(
        hot_set(1e7, "64 KiB", stores=3), hot_set(1e5, "2 MiB", "stream", burst="4 KiB")
    ),
    "parts of pages": guest(hot_set(3e6, "2 MiB", within="256 B"), hot_set(3e5, "4 MiB", burst="256 B")),
}


@pytest.mark.parametrize("name", KNOWN)
def test_the_stream_of_what_is_fitted_measures_as_that_of_the_known_sets(name: str) -> None:
    seen = observed(KNOWN[name], 600_000)
    sets = fitted_sets(seen.by_stores)
    again = observed(of_sets(sets), 600_000, seed=4)
    assert again.by_stores.units == pytest.approx(seen.by_stores.units, rel=0.02)


def of_sets(sets: list[FittedSet]) -> HotSetsWorkload:
    """A guest of fitted sets that makes 10^8 stores a second."""
    visit = visit_stores(sets)
    return guest(
        *(
            hot_set(
                each.pages * each.rate * 1e8,
                f"{4 * round(each.pages)} KiB",
                each.kind,
                burst=f"{64 * each.burst} B",
                within=f"{64 * each.part} B",
                stores=each.stores(visit),
            )
            for each in sets
        )
    )


def test_streams_are_found_where_windows_share_nothing() -> None:
    seen = observed(KNOWN["a stream beside a hot set"], 600_000)
    streams = [each for each in fitted_sets(seen.by_stores) if each.kind == "stream" and each.burst == 64]
    assert sum(each.pages for each in streams) == pytest.approx(512, rel=0.02)


def test_visits_make_as_many_stores_as_the_guest() -> None:
    sets = [FittedSet("random", 10.0, 0.002, 1), FittedSet("random", 3.0, 0.001, 8), FittedSet("random", 5.0, 1e-4, 64)]
    visit = visit_stores(sets)
    assert sum(each.pages * each.rate * each.burst * each.stores(visit) for each in sets) == pytest.approx(1)
    assert visit_stores([FittedSet("random", 1.0, 0.1, 64)]) == 1.0
