"""The availability of two hosts against the birth-death process: down only when both hosts are."""

import pytest

from vmfailover.studies.host_pair import HostPair, live
from vmfailover.studies.statistics import statistic

from .published import RecordProperty, meets, report, table

HOUR_NS = 3600 * 10**9
#: Two million failures in all.
LIVES, HOURS = 20, 50_200_000


@pytest.mark.slow
@pytest.mark.parametrize("repair", ["independent repair", pytest.param("one repair crew", marks=pytest.mark.slow)])
def test_two_hosts(repair: str, record_property: RecordProperty) -> None:
    """Failover and resynchronisation take no time. Held to the unavailability, of which the interval is narrow."""
    inputs = f"MTTF 1000 h, MTTR 4 h, {repair}"
    (row,) = (row for row in table("theory") if row["name"] == "availability_2host" and row["inputs"] == inputs)
    pair = HostPair(1000 * HOUR_NS, 4 * HOUR_NS, failovers_ns=(0,), one_crew=repair == "one repair crew")
    lives = [live(pair, HOURS * HOUR_NS, seed=1, number=number) for number in range(LIVES)]
    found = statistic([life.downtime_ns / life.time_ns for life in lives])
    unavailability = 1 - float(row["expected"])
    report(f"Two hosts, {inputs}: unavailability", [meets(repair, unavailability, found, widest=0.05)], record_property)
