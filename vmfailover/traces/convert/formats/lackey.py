"""Valgrind's lackey with --trace-mem=yes: `I  addr,size`, ` L addr,size`, ` S addr,size`, ` M addr,size`.

The lines with I are the instructions, one each; M is a load, then a store, of the same bytes. Lines of Valgrind's own
begin with ==, -- or **. See lackey/lk_main.c of Valgrind.
"""

import re

from vmfailover.traces.convert.form import TextFormat
from vmfailover.traces.convert.lines import FETCH, MODIFY, LineFormat
from vmfailover.traces.convert.operations import LOAD, STORE

__all__ = ["LACKEY"]


_RECORD_OR_TITLE = re.compile(
    rb"^(?: ?[ILSM] +[0-9a-f]+,\d+\r?|==\d+== Lackey, an example Valgrind tool.*)$", re.MULTILINE
)


class _Lackey(TextFormat):
    def recognises(self, head: bytes) -> bool:
        """Whether there is a record of lackey's, or its title."""
        return _RECORD_OR_TITLE.search(head) is not None


LACKEY = _Lackey(
    "lackey",
    LineFormat(
        operation=0,
        address=1,
        size=2,
        most_fields=3,
        words={"I": FETCH, "L": LOAD, "S": STORE, "M": MODIFY},
        blanks=" \t\r,",
        comments=("==", "--", "**"),
    ),
)
