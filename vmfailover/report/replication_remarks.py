"""What there is to say of the numbers of replications."""

from collections.abc import Iterator

from vmfailover.report.chance import PARTIAL_MEANS
from vmfailover.report.comparison_rows import ROWS
from vmfailover.studies.replication import Replications
from vmfailover.studies.runs import end_remark


def replication_remarks(found: Replications) -> Iterator[str]:
    """Yield what a reader has to know of statistics over replications."""
    if any(0 < found.estimate(row.metric).n < len(found.runs) for row in ROWS):
        yield PARTIAL_MEANS
    if len(found.runs) > 1 and (remark := end_remark(found.scenario)):
        yield remark
