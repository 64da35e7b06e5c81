"""Taking times: the fastest sample counts, and the first is none."""

from collections.abc import Iterator

import pytest

from vmfailover.studies.measurement import Benchmark, Measurement, Sample

SLOW = Sample(4.0, records=8, accesses=40, parts={"kernel": 3.0})
FAST = Sample(2.0, records=8, accesses=40, parts={"kernel": 1.0, "audit": 0.5})


def test_rates_and_shares_of_the_fastest_sample() -> None:
    measurement = Measurement("x", (SLOW, FAST, SLOW))
    assert measurement.best is FAST
    assert measurement.median_seconds == 4.0
    assert (measurement.records_per_second, measurement.accesses_per_second) == (4.0, 20.0)
    assert measurement.shares == {"kernel": 0.5, "audit": 0.25}


def test_what_has_no_records_has_no_rate() -> None:
    measurement = Measurement("x", (Sample(2.0),))
    assert (measurement.records_per_second, measurement.accesses_per_second, measurement.shares) == (None, None, {})


def test_to_dict() -> None:
    assert Measurement("x", (SLOW, FAST)).to_dict() == {
        "name": "x",
        "seconds_min": 2.0,
        "seconds_median": 3.0,
        "seconds": [4.0, 2.0],
        "records": 8,
        "accesses": 40,
        "records_per_second": 4.0,
        "accesses_per_second": 20.0,
        "shares": {"kernel": 0.5, "audit": 0.25},
    }


@pytest.mark.parametrize("repeat", [1, 3])
def test_the_first_sample_only_warms_up(repeat: int) -> None:
    def samples() -> Iterator[Sample]:
        yield Sample(0.0)
        for number in range(repeat):
            yield Sample(1.0 + number)

    taken = samples()
    measurement = Benchmark("x", lambda: next(taken)).measure(repeat)
    assert [sample.seconds for sample in measurement.samples] == [1.0 + number for number in range(repeat)]
    assert next(taken, None) is None
