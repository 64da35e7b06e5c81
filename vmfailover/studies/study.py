"""What all studies have in common: how they are shown, written down and executed."""

from abc import abstractmethod
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from typing import Any

from vmfailover.display import Shown
from vmfailover.results.json_result import JsonResult, about
from vmfailover.scenario import Scenario
from vmfailover.studies.executors import local_processes
from vmfailover.studies.progress import Progress, followed


class StudyResult(JsonResult, Shown):
    """What came of a study."""


class ScenarioStudy(StudyResult):
    """What came of a study of one scenario, which its document names."""

    scenario: Scenario

    def _content(self) -> dict[str, Any]:
        return {"scenario": about(self.scenario)} | self._findings()

    @abstractmethod
    def _findings(self) -> dict[str, Any]:
        """Return what follows the scenario."""


def interruption(interrupted: bool) -> dict[str, bool]:
    """Return what a document says of whether the user ended the study early: nothing of one that was not."""
    return {"interrupted": True} if interrupted else {}


@contextmanager
def study_pool(
    description: str, executor: Executor | None, progress: Progress | None, jobs: int | None = None
) -> Iterator[tuple[Executor, Progress]]:
    """Give what a study runs in and whom it tells how far it is.

    That is `executor` or, if there is none, as many new processes as `jobs` says or as there are cores; and `progress`
    or, if there is none, a bar in notebooks with a `description`.
    """
    pool = nullcontext(executor) if executor else local_processes(jobs)
    with pool as entered, followed(progress, description) as told:
        yield entered, told
