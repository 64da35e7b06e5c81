"""Published figures, and the table that holds what is simulated against them."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from vmfailover.results.run_result import RunResult
from vmfailover.scenario import Scenario
from vmfailover.studies.statistics import Statistic

FOLDER = Path(__file__).parent / "published"
SCENARIOS = Path(__file__).parents[2] / "scenarios" / "published"
#: Enters a name and a value into the report of a test.
RecordProperty = Callable[[str, object], None]


@dataclass(frozen=True)
class Row:
    """One published figure and what the simulator makes of it."""

    name: str
    published: float
    simulated: float
    #: fitted, predicted, or input.
    kind: str
    #: The largest deviation allowed: relative if below 1, None for a miss that is known and has to stay one.
    tolerance: float | None = None
    #: What was found, if that is a mean of observations, and the most that half its interval may be, as a share of
    #: `published`.
    found: Statistic | None = None
    widest: float = 0.0

    @property
    def ratio(self) -> float:
        return self.simulated / self.published

    @property
    def near(self) -> bool:
        return self.tolerance is not None and abs(self.ratio - 1) <= self.tolerance and self.exact

    @property
    def exact(self) -> bool:
        """Whether chance moves what was found by no more than it may; a mean that is noisier shows nothing."""
        return self.found is None or (self._half_width is not None and self._half_width <= self.widest)

    @property
    def _half_width(self) -> float | None:
        """Half the interval of what was found, as a share of what was published."""
        if self.found is None or self.found.half_width is None:
            return None
        return self.found.half_width / abs(self.published)

    def __str__(self) -> str:
        found = f"{self.published:10.4g} {self.simulated:10.4g} {self.ratio:7.3f}"
        return f"{self.name:44} {found}  {self.kind:9}  {self._verdict}{self._noise}"

    @property
    def _verdict(self) -> str:
        if self.tolerance is None:
            return "known miss"
        if not self.exact:
            return "TOO NOISY"
        return f"within {self.tolerance:.1%}" if self.near else "MISSED"

    @property
    def _noise(self) -> str:
        if self.found is None:
            return ""
        half_width = "?" if self._half_width is None else f"{self._half_width:.1%}"
        return f", n = {self.found.n}, ± {half_width}, at most {self.widest:.1%}"


def meets(name: str, expected: float, found: Statistic, *, widest: float) -> Row:
    """Return a row that is near if the confidence interval of what was found holds what is expected.

    Half of that interval may be no wider than `widest`, a share of what is expected.
    """
    assert found.mean is not None
    assert found.half_width is not None
    return Row(name, expected, found.mean, "predicted", found.half_width / expected, found, widest)


def table(name: str) -> list[dict[str, str]]:
    """Return the rows of a file of published figures by their column names."""
    lines = (FOLDER / f"{name}.csv").read_text().splitlines()
    return list(csv.DictReader(line for line in lines if not line.startswith("#")))


def report(source: str, rows: list[Row], record_property: RecordProperty) -> None:
    """Enter a table of rows into the report of the test, and hold each to its tolerance."""
    head = f"{'':44} {'published':>10} {'simulated':>10} {'ratio':>7}"
    text = "\n".join([source, head, *map(str, rows)])
    record_property("validation", text)
    assert all(row.near for row in rows if row.tolerance is not None), text
    assert all(abs(row.ratio - 1) > 0.05 for row in rows if row.tolerance is None), f"no miss any more:\n{text}"


def scenario(**keys: object) -> Scenario:
    """Return a scenario of an old and simple computer, with keys as `Scenario.with_` takes them."""
    base = {
        "name": "published",
        "duration": "300 ms",
        "hosts": {"primary": {"preset": "xeon"}, "secondary": {"preset": "xeon"}},
        "vm": {"memory": "512 MiB"},
        "workload": {"kind": "idle"},
        "replication": {"protocol": "page-write-protect", "checkpoint_interval": "25 ms"},
        "link": {"bandwidth": "40 Gbit/s", "latency": "10 us"},
        "detection": {"interval": "1 s", "timeout": "3 s"},
    }
    return Scenario.model_validate(base).with_(**keys)


def sweeping(pages: int, interval_ns: int) -> dict[str, object]:
    """Return a workload that writes each of so many pages of 4 KiB at least once in an interval, at any speed."""
    instructions = max(1.0, 0.6 * interval_ns / pages)
    return {
        "kind": "sequential",
        "working_set": f"{pages * 4096} B",
        "stride": "4096 B",
        "store_fraction": "100 %",
        "instructions_per_access": instructions,
    }


def whole_epochs(result: RunResult) -> pd.DataFrame:
    """Return the acknowledged epochs without the first, which copies what booting left."""
    epochs = result.epochs
    return epochs[epochs.acknowledged_ns > 0].iloc[1:]
