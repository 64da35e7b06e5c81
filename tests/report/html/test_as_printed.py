"""What a terminal shows, in a notebook: the same words, safe, and one line where there is no HTML."""

import re
from html import unescape
from typing import Any

import pytest
from scenarios_for_tests import minute

from vmfailover import availability, sensitivity, tune
from vmfailover.studies.executors import InThisProcess

POOL = InThisProcess()
INTERVAL = "replication.checkpoint_interval"
SCENARIO = minute(name="<b>mine</b>")


def _sensitivity() -> Any:
    return sensitivity(
        SCENARIO, "guest.slowdown", {INTERVAL: "80us:200us", "link.latency": "2us:20us"}, samples=2, executor=POOL
    )


def _tuning() -> Any:
    vary = {INTERVAL: "80us:200us"}
    return tune(SCENARIO, "guest.slowdown", vary, trials=4, replications=1, confirmations=2, executor=POOL)


def _availability() -> Any:
    quiet = SCENARIO.with_(clients=None)
    return availability(quiet, mttf="1000 h", mttr="4 h", failures=100, replications=2, failovers=1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_sensitivity, ["What moves the mean of guest.slowdown", "mean step", INTERVAL]),
        (_tuning, ["mean of guest.slowdown is least at", "best", "4 trials"]),
        pytest.param(_availability, ["downtime", "MTTF", "2 replications"], marks=pytest.mark.slow),
    ],
)
def test_a_notebook_shows_what_the_terminal_does(make: Any, words: list[str]) -> None:
    found = make()
    html = found._repr_html_()
    assert html.startswith("<pre>")
    assert "<b>" not in html
    shown = unescape(re.sub("<[^>]*>", "", html))
    assert all(word in shown for word in words)
    assert found._repr_html_() == html
    assert repr(found).startswith(f"<{type(found).__name__} of ")
    assert "\n" not in repr(found)
    assert len(repr(found)) < 200
