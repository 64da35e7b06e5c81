"""The folder that a run leaves behind: all that there is to know of it, and its timeline."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

from vmfailover.display import display
from vmfailover.errors import ParameterError, reason_of
from vmfailover.guest.clients import Request
from vmfailover.records.events import Event, Kind
from vmfailover.results.readings import Reading
from vmfailover.results.records import EpochRow
from vmfailover.results.run_record import RunRecord
from vmfailover.results.samples import Sample
from vmfailover.results.warm_up import Progress
from vmfailover.scenario.writing import write_scenario

if TYPE_CHECKING:
    import pyarrow as pa

#: The tables of a folder, each with the field of the result that it holds and the record that its rows are.
TABLES: dict[str, tuple[str, type]] = {
    "epochs.parquet": ("epoch_rows", EpochRow),
    "events.parquet": ("event_rows", Event),
    "requests.parquet": ("requests", Request),
    "readings.parquet": ("readings", Reading),
    "progress.parquet": ("progress", Progress),
    "samples.parquet": ("sample_rows", Sample),
}
#: What `--json` prints.
SUMMARY = "summary.json"
SCENARIO = "scenario.yaml"
#: The rest.
REST = "run.json"
PICTURE = "timeline.png"
#: Fields of a result that are neither in a table nor in the summary or the scenario.
REST_FIELDS = ("spans", "heartbeats", "accesses", "end_ns", "interrupted", "remarks")
#: Beside them in `REST`, for those who compute with a folder: the scenario with all its defaults, in base units.
SETTINGS = "settings"
#: The files of a folder.
FILES = (SUMMARY, SCENARIO, REST, *TABLES, PICTURE)


def require_writable(folder: Path) -> None:
    """Raise InputError unless results can be written to `folder`, which need not exist; leave nothing behind."""
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists() or path.is_symlink())
    if not nearest.is_dir():
        raise ParameterError("out", "is not a folder", about=nearest, remedy="give {out} another one")
    try:
        Path(tempfile.mkdtemp(dir=nearest)).rmdir()
    except OSError as error:
        reason = f"cannot be written to ({reason_of(error)})"
        raise ParameterError("out", reason, about=nearest, remedy="give {out} another folder") from None


def export(result: RunRecord, folder: Path) -> None:
    """Write the files of a run to a folder, as `fill_folder` does. The same result gives the same bytes."""
    fill_folder(folder, FILES, lambda unfinished: _write(result, unfinished))


def fill_folder(folder: Path, names: Sequence[str], write: Callable[[Path], None], stale: str = "") -> None:
    """Let `write` make files of these names in an empty folder, and put them into `folder`, replacing earlier ones.

    Files whose names match the pattern `stale` are of earlier results, and go. A new folder appears only once it is
    whole, and in an old one each file is replaced at once. Raises OSError, naming the folder, where that cannot be;
    what was there before then stays.
    """
    with _naming(folder), _unfinished(folder) as unfinished:
        write(unfinished)
        if unfinished.parent == folder.absolute():
            for name in names:
                (unfinished / name).replace(folder / name)
            for path in folder.glob(stale) if stale else ():
                if path.name not in names:
                    path.unlink()
        else:
            unfinished.rename(folder)


@contextmanager
def _naming(folder: Path) -> Iterator[None]:
    """Let an OSError name the user's folder, whatever file in it could not be written."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise OSError(error.errno, reason, str(folder)) from None


@contextmanager
def _unfinished(folder: Path) -> Iterator[Path]:
    """Make a folder to write to: in an old folder, since that may be a file system of its own, or beside a new one."""
    folder = folder.absolute()  # pyarrow takes some relative paths for addresses of other file systems
    parent = folder if folder.exists() else folder.parent
    parent.mkdir(parents=True, exist_ok=True)
    unfinished = parent / f".{folder.name}.{secrets.token_hex(4)}"
    unfinished.mkdir()
    try:
        yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _write(result: RunRecord, folder: Path) -> None:
    write_records(result, folder)
    display().save_picture(result, folder / PICTURE)


def write_records(result: RunRecord, folder: Path) -> None:
    """Write to an empty folder all that there is to know of a run, which is all but the picture of it."""
    (folder / SUMMARY).write_text(result.to_json() + "\n", encoding="utf-8")
    write_scenario(result.scenario, folder / SCENARIO)
    rest = {name: getattr(result, name) for name in REST_FIELDS} | {"findings": asdict(result.findings)}
    rest["traffic"] = [asdict(row) for row in result.traffic]
    rest[SETTINGS] = result.scenario.model_dump()
    (folder / REST).write_text(json.dumps(rest, default=str) + "\n", encoding="utf-8")
    for name, (field, record) in TABLES.items():
        _write_table(getattr(result, field), record, folder / name)


def _write_table(rows: Sequence[Any], record: type, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist([asdict(row) for row in rows], schema=_schema(record))
    pq.write_table(table, path, compression="zstd")


def _schema(record: type) -> pa.Schema:
    """The columns of a record, the same for any number of rows."""
    import pyarrow as pa

    kinds = {
        int: pa.int64(),
        float: pa.float64(),
        bool: pa.bool_(),
        str: pa.string(),
        Kind: pa.string(),
        tuple[int, ...]: pa.list_(pa.int64()),
        int | None: pa.int64(),
    }
    hints = get_type_hints(record)
    return pa.schema([pa.field(name, kinds[hint], nullable=hint == int | None) for name, hint in hints.items()])
