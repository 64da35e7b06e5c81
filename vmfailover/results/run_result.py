"""What a run gives its user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from vmfailover.audit.invariants import Verdict
from vmfailover.cluster.cluster import Cluster
from vmfailover.display import Plotted
from vmfailover.failover.detection.heartbeat.detector import HeartbeatDetector
from vmfailover.records.events import Event
from vmfailover.records.metric_values import Metrics
from vmfailover.results.export import export
from vmfailover.results.failovers import Move, moves
from vmfailover.results.outcome import headline
from vmfailover.results.perfetto import export_perfetto
from vmfailover.results.records import EpochRow, Records
from vmfailover.results.run_record import RunRecord
from vmfailover.results.samples import Sample

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RunResult(RunRecord, Plotted):
    """The outcome of one run: metrics, epochs, events, and whether the invariants hold."""

    @classmethod
    def of(
        cls,
        cluster: Cluster,
        records: Records,
        values: Metrics,
        verdicts: tuple[Verdict, ...],
        samples: Sequence[Sample],
        remarks: tuple[str, ...],
        *,
        interrupted: bool,
    ) -> Self:
        """Return the outcome of a run that has ended with these records."""
        return cls(
            **{field.name: getattr(records, field.name) for field in fields(Records)},
            values=values,
            verdicts=verdicts,
            sample_rows=tuple(samples),
            heartbeats=_heartbeats(cluster),
            interrupted=interrupted,
            remarks=remarks,
        )

    @cached_property
    def metrics(self) -> pd.Series[Any]:
        """Every metric by its name, dtype object; None where the run gives none."""
        import pandas as pd

        return pd.Series(self.values, dtype=object, name=self.scenario.name)

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """One row an epoch, with the columns of `EpochRow`."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.epoch_rows], columns=[f.name for f in fields(EpochRow)])

    @cached_property
    def failovers(self) -> pd.DataFrame:
        """One row each time the VM came to another host, with the columns of `Move` and its `latency_ns`."""
        import pandas as pd

        rows = [{**asdict(move), "latency_ns": move.latency_ns} for move in moves(self.event_rows)]
        return pd.DataFrame(rows, columns=[*(f.name for f in fields(Move)), "latency_ns"])

    @cached_property
    def events(self) -> pd.DataFrame:
        """One row an event, in order of time, with the columns of `vmfailover.engine.event_log.Event`."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.event_rows], columns=[f.name for f in fields(Event)])

    @cached_property
    def samples(self) -> pd.DataFrame:
        """The state of the hardware at instants spread evenly over the run, with the columns of `Sample`."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.sample_rows], columns=[f.name for f in fields(Sample)])

    def save(self, folder: str | PathLike[str]) -> None:
        """Write what `run --out FOLDER` writes and `vmfailover.read` reads; raise OSError if it cannot be written."""
        export(self, Path(folder))

    def __repr__(self) -> str:
        """Return the verdict in a line."""
        return f"<RunResult {self.scenario.name}, seed {self.seed}: {headline(self)}>"

    def to_perfetto(self, path: str | PathLike[str]) -> None:
        """Write the run to a file that ui.perfetto.dev and chrome://tracing open; the same result gives the same bytes.

        Instants are exact to the nanosecond. Raises OSError, naming the file, if it cannot be written.
        """
        export_perfetto(self, Path(path))


def _heartbeats(cluster: Cluster) -> dict[str, tuple[int, ...]]:
    heard: dict[str, tuple[int, ...]] = {}
    for detector in (each for pair in cluster.pairs for each in (pair.detector, pair.detector_of_secondary)):
        if isinstance(detector, HeartbeatDetector):
            name = detector.watcher.name
            heard[name] = heard.get(name, ()) + tuple(detector.heartbeats_ns)
    return heard
