"""The value of any metric as people write it."""

from vmfailover.records.metric_values import Value
from vmfailover.report.comparison_rows import ROWS
from vmfailover.results.quantities import bit_rate, duration, share, short_count, size

_WRITTEN = {row.metric: row.written for row in ROWS}
_SHARES = ("log.peak_fill",)


def quantity(metric: str, value: Value) -> str:
    """Return a metric's value with its unit; a dash if there is none."""
    if value is None or isinstance(value, bool):
        return {None: "–", True: "yes", False: "no"}[value]
    if metric in _WRITTEN:
        return _WRITTEN[metric](value)
    if metric.endswith("_ns"):
        return duration(value)
    if metric.endswith("_bps"):
        return bit_rate(value)
    if metric in _SHARES:
        return share(value)
    return size(value) if metric.endswith("bytes") else short_count(value)
