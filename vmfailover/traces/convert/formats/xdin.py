"""Dinero's extended din: `label address size`, both hexadecimal; what follows on a line is a comment.

Labels are r (load), w (store), i (instruction), m (miscellaneous, which Dinero treats as a load), c (copy back) and v
(invalidate), in either case. See xdinfmt.c of Dinero IV.
"""

from vmfailover.traces.convert.form import TextFormat
from vmfailover.traces.convert.lines import FETCH, OMITTED, LineFormat
from vmfailover.traces.convert.operations import LOAD, STORE

__all__ = ["XDIN"]

_MEANINGS = {"r": LOAD, "m": LOAD, "w": STORE, "i": FETCH, "c": OMITTED, "v": OMITTED + 1}

XDIN = TextFormat(
    "xdin",
    LineFormat(
        operation=0,
        address=1,
        size=2,
        size_base=16,
        words=_MEANINGS | {word.upper(): meaning for word, meaning in _MEANINGS.items()},
        left_out=("copies back", "invalidations"),
        comments=(),
    ),
)
