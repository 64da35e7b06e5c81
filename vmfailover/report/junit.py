"""A check as JUnit XML, which continuous-integration servers read."""

import re
from io import BytesIO
from pathlib import Path

from vmfailover.report.check_lines import failure_lines, note_lines
from vmfailover.studies.regression import Check
from vmfailover.whole_file import write_whole

#: Characters that XML cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(check: Check, path: Path) -> None:
    """Write a test case for each scenario; one with something wrong has a failure.

    Characters that XML does not have are written as U+FFFD. Raises OSError if the file cannot be written.
    """
    from junitparser import Failure, JUnitXml, TestCase, TestSuite

    suite = TestSuite("vmfailover check")
    for checked in check.checked:
        case = TestCase(_legal(checked.name), classname="vmfailover.check")
        lines = list(map(_legal, failure_lines(checked)))
        if lines:
            failure = Failure(lines[0])
            failure.text = "\n".join(lines)
            case.result = [failure]
        notes = list(map(_legal, note_lines(checked)))
        if notes:
            case.system_out = "\n".join(notes)
        suite.add_testcase(case)
    report = JUnitXml()
    report.add_testsuite(suite)
    text = BytesIO()
    report.write(text, pretty=True)
    write_whole(path, text.getvalue().decode())


def _legal(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)
