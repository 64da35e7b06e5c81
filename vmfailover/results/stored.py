"""Files of a folder of results, read back: what cannot be read is refused in a line that names the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vmfailover.errors import InputError, reason_of
from vmfailover.files.regular_file import open_regular, read_regular
from vmfailover.version import version

if TYPE_CHECKING:
    import pyarrow as pa


def object_in(path: Path, remedy: str) -> dict[str, Any]:
    """Return the JSON object in a file; raise InputError if there is none."""
    try:
        found = json.loads(read_regular(path))
    except FileNotFoundError:
        raise refused(path, "is not there", remedy) from None
    except OSError as error:
        raise refused(path, f"cannot be read ({reason_of(error)})", remedy) from None
    except (ValueError, RecursionError) as error:
        raise refused(path, f"cannot be read ({error})", remedy) from None
    if not isinstance(found, dict):
        raise refused(path, "is not a JSON object", remedy)
    return found


def table_in(path: Path, remedy: str) -> pa.Table:
    """Return the table in a Parquet file; raise InputError if there is none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with open_regular(path) as file:
            return pq.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise refused(path, f"is no Parquet file ({str(error).splitlines()[0]})", remedy) from None


def require_version(found: object, path: Path, remedy: str) -> None:
    """Raise InputError unless the version found in a file is this one."""
    if found != version():
        raise refused(path, f"is of vmfailover {found}, and this is {version()}", remedy)


def refused(path: Path, reason: str, remedy: str) -> InputError:
    """Return the error that says in one line why a file or a folder cannot be read, and what to do."""
    return InputError(f"{path}: {reason}; {remedy}")
