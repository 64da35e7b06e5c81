"""Dinero's din: `label address`, hexadecimal; what follows on a line is a comment. Words have 4 bytes.

Labels are 0 (load), 1 (store), 2 (instruction), 3 (escape) and 4 (flush). See dinfmt.c of Dinero IV.
"""

from vmfailover.traces.convert.form import TextFormat
from vmfailover.traces.convert.lines import FETCH, OMITTED, LineFormat
from vmfailover.traces.convert.operations import LOAD, STORE

__all__ = ["DIN"]

DIN = TextFormat(
    "din",
    LineFormat(
        operation=0,
        address=1,
        word_bytes=4,
        words={"0": LOAD, "1": STORE, "2": FETCH, "3": OMITTED, "4": OMITTED + 1},
        left_out=("escapes", "flushes"),
        comments=(),
    ),
)
