"""How long clients were without an answer, in words that say whether that has ended."""

from vmfailover.results.quantities import duration
from vmfailover.results.records import Records


def blackout_length(records: Records) -> str:
    """Return its length, such as `34.0 ms`, or `≥ 34.0 ms` if no answer came after; nothing without an outage."""
    gap = records.blackout
    if gap is None:
        return ""
    began_ns, ended_ns = gap
    return f"{'≥ ' if ended_ns == records.end_ns else ''}{duration(ended_ns - began_ns)}"


def blackout_remark(records: Records) -> str:
    """Return what its length does not say: that it lasted to the end, or that a longer silence followed it."""
    gap = records.blackout
    if gap is None:
        return ""
    began_ns, ended_ns = gap
    if ended_ns == records.end_ns:
        return "to the end of the run"
    last_ns = records.responses[-1].received_ns
    asked = any(each.sent_ns > last_ns for each in records.requests)
    silent_ns = records.end_ns - last_ns
    return f"then no answer in the last {duration(silent_ns)}" if asked and silent_ns > ended_ns - began_ns else ""
