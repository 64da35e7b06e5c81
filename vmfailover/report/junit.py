"""A check as JUnit XML, which continuous-integration servers read."""

from pathlib import Path

from vmfailover.report.check_lines import failure_lines, note_lines
from vmfailover.studies.regression import Check


def write_junit(check: Check, path: Path) -> None:
    """Write a test case for each scenario; one with something wrong has a failure."""
    from junitparser import Failure, JUnitXml, TestCase, TestSuite

    suite = TestSuite("vmfailover check")
    for checked in check.checked:
        case = TestCase(checked.name, classname="vmfailover.check")
        lines = list(failure_lines(checked))
        if lines:
            failure = Failure(lines[0])
            failure.text = "\n".join(lines)
            case.result = [failure]
        notes = list(note_lines(checked))
        if notes:
            case.system_out = "\n".join(notes)
        suite.add_testcase(case)
    report = JUnitXml()
    report.add_testsuite(suite)
    report.write(str(path), pretty=True)
