"""Compilation of the few functions that must be fast, remembered from one process to the next."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import platformdirs

__all__ = ["compiled", "compiled_in_place"]

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])

_PACKAGE = Path(__file__).parents[1]
_COMMON = {"error_model": "numpy", "nogil": True, "no_cfunc_wrapper": True}
_IMPORT = b"\nfrom vmfailover.engine.compilation import"


def compiled(function: FunctionT) -> FunctionT:
    """The function compiled to machine code at its first call, releasing the interpreter lock while it runs.

    Division by zero gives inf or nan, as in NumPy. The machine code is kept in `NUMBA_CACHE_DIR`, or else in the
    user's cache folder, and used again by later processes; without a folder that can be written, each process
    compiles anew. Keep the constants that a compiled function uses in its own folder or the one above: a change there
    makes all functions compile again, a change elsewhere does not.
    """
    return _jit(function)


def compiled_in_place(function: FunctionT) -> FunctionT:
    """As `compiled`, for a function that makes no array: it keeps no reference counts, which a hot loop would feel."""
    return _jit(function, _nrt=False)


def compiled_inline(function: FunctionT) -> FunctionT:
    """As `compiled_in_place`, for a function that becomes part of each of its callers; Python cannot call it."""
    options: Any = {**_COMMON, "_nrt": False, "forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast(FunctionT, numba.njit(**options)(function))


def compiled_everywhere(function: FunctionT) -> FunctionT:
    """As `compiled_inline`, for a function that Python calls, too."""
    return _jit(function, _nrt=False, forceinline=True)


def _jit(function: FunctionT, **options: bool) -> FunctionT:
    common: Any = {**_COMMON, **options}
    if _cache_folder() is not None:
        # A function without a source file, for example typed at a prompt, cannot be kept.
        with suppress(RuntimeError):
            return cast(FunctionT, numba.njit(cache=True, **common)(function))
    return cast(FunctionT, numba.njit(**common)(function))


def is_kept() -> bool:
    """Whether later processes find what this one compiles."""
    return _cache_folder() is not None


@cache
def _cache_folder() -> Path | None:
    """The folder for machine code, known to the compiler from now on; None where it cannot be written."""
    settings: Any = numba.config
    folder = Path(settings.CACHE_DIR or _default_folder())
    if str(folder).startswith("~") or not _is_writable(folder):  # "~" stays where there is no home
        return None
    settings.CACHE_DIR = str(folder)
    return folder


def _default_folder() -> str:
    return os.path.join(platformdirs.user_cache_dir("vmfailover"), f"compiled-{_fingerprint()}")


def _fingerprint() -> str:
    """A digest of the folders with compiled functions and above, since machine code contains callees and constants."""
    sources = {path: path.read_bytes() for path in sorted(_PACKAGE.rglob("*.py"))}
    compiled_in = {path.parent for path, source in sources.items() if _IMPORT in source}
    folders = compiled_in | {folder.parent for folder in compiled_in} - {_PACKAGE}
    digest = hashlib.sha256()
    for path, source in sources.items():
        if path.parent in folders:
            digest.update(source)
    return digest.hexdigest()[:16]


def _is_writable(folder: Path) -> bool:
    """Whether a file can really be written there; permission bits alone do not tell (root ignores them)."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"probe")
    except OSError:
        return False
    return True
