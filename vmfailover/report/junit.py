"""A check as JUnit XML, which continuous-integration servers read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from vmfailover.files.whole_file import write_whole
from vmfailover.report.check_lines import failure_lines, note_lines, vanished_line
from vmfailover.studies.regression import Check

if TYPE_CHECKING:
    from junitparser import TestCase
    from junitparser.junitparser import FinalResult

#: Characters that XML cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(check: Check, path: Path) -> None:
    """Write a test case for each scenario: with a failure if something is wrong, with an error if it was not checked.

    Characters that XML does not have are written as U+FFFD. Raises OSError if the file cannot be written.
    """
    from junitparser import Error, Failure, JUnitXml, TestSuite

    suite = TestSuite("vmfailover check")
    for checked in check.checked:
        suite.add_testcase(_case(checked.name, Failure, failure_lines(checked), note_lines(checked)))
    for vanished in check.vanished:
        suite.add_testcase(_case(vanished.name, Failure, [vanished_line(vanished)]))
    for refused in check.refused:
        suite.add_testcase(_case(refused.path, Error, refused.reasons))
    report = JUnitXml()
    report.add_testsuite(suite)
    written = BytesIO()
    report.write(written, pretty=True)
    write_whole(path, written.getvalue().decode("utf-8"))


def _case(name: str, kind: type[FinalResult], wrong: Iterable[str], notes: Iterable[str] = ()) -> TestCase:
    """Return a test case, which has a result of a kind if anything is wrong."""
    from junitparser import TestCase

    case = TestCase(_legal(name), classname="vmfailover.check")
    lines, noted = list(map(_legal, wrong)), list(map(_legal, notes))
    if lines:
        result = kind(lines[0])
        result.text = "\n".join(lines)
        case.result = [result]
    if noted:
        case.system_out = "\n".join(noted)
    return case


def _legal(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
