"""The table and the page of replications."""

import io

from rich.console import Console
from scenarios_for_tests import brief

from vmfailover.report.chance import PARTIAL, PARTIAL_MEANS
from vmfailover.report.html.study_pages import replications_page
from vmfailover.report.replications_table import print_replications
from vmfailover.scenario import Scenario
from vmfailover.studies.replication import Replications
from vmfailover.studies.runs import StudyRun

CRASH = {"at": "2200 us", "kind": "host-crash", "target": "primary"}


def made(*losses: float | None, scenario: Scenario | None = None) -> Replications:
    runs = [StudyRun("", n, n, {"loss.work_ns": loss, "guest.slowdown": 0.1}) for n, loss in enumerate(losses)]
    return Replications(scenario or brief(), tuple(runs), "enough")


def printed(found: Replications) -> str:
    file = io.StringIO()
    console = Console(file=file, width=120, highlight=False)
    print_replications(found, console)
    return file.getvalue()


def test_a_metric_that_some_runs_lack_is_marked_wherever_it_is_told() -> None:
    found = made(1e6, 2e6, None)
    text = printed(found)
    assert f"  work{PARTIAL} " in text
    assert text.count(PARTIAL) == 2
    assert "work: in 2 of 3 runs" in text
    assert PARTIAL_MEANS in text
    page = replications_page(found)
    assert PARTIAL_MEANS in page.headline
    texts = [[cell.text for cell in row] for row in page.tables[0].rows]
    assert [row[0] for row in texts if row[-1] == "2 of 3"] == ["lost: work"]
    assert [row[0] for row in texts if PARTIAL in row[1]] == ["lost: work"]


def test_a_metric_that_all_runs_have_is_not_marked() -> None:
    found = made(1e6, 2e6, 3e6)
    assert PARTIAL not in printed(found)
    assert PARTIAL not in replications_page(found).headline


def test_too_little_time_before_the_end_is_remarked() -> None:
    words = "replications move the failures by up to 100 µs"
    near = made(1e6, 2e6, scenario=brief(failures=[CRASH], duration="2300 us"))
    assert words in printed(near)
    assert words in replications_page(near).headline
    assert words not in printed(made(1e6, scenario=near.scenario))
