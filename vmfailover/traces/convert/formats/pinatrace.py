"""Pin's example tool pinatrace: `ip: R address` or `ip: W address`; it tells neither sizes nor instructions."""

from vmfailover.traces.convert.form import TextFormat
from vmfailover.traces.convert.lines import LineFormat
from vmfailover.traces.convert.operations import LOAD, STORE

__all__ = ["PINATRACE"]

PINATRACE = TextFormat(
    "pinatrace",
    LineFormat(operation=1, address=2, most_fields=3, words={"R": LOAD, "W": STORE}),
    mark=b": ",
)
