"""Presets: the numbers of well-known processors and trackers, each with its source, in `presets/*.yaml`."""

from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from vmfailover.scenario.document import parse
from vmfailover.scenario.errors import Problem, require_fit, shown, suggestion

#: Names that `preset:` of a host may have.
HOST_PRESETS = ("power7", "power8", "xeon")


@cache
def preset_text(name: str) -> str:
    """Return the file of a preset, with the source of each number."""
    return (files("vmfailover.scenario") / "presets" / f"{name}.yaml").read_text(encoding="utf-8")


@cache
def preset(name: str) -> Mapping[str, Any]:
    """Return the keys of a preset as a scenario file would have them."""
    values: Mapping[str, Any] = _without_sources(parse(preset_text(name), f"{name}.yaml").data)
    return values


def apply_preset(keys: dict[str, Any], known: Collection[str]) -> dict[str, Any]:
    """Return keys on top of those of the preset that they name; raise MisfitError if that is not a `known` one."""
    name = keys.get("preset")
    if not isinstance(name, str):
        return keys
    if name not in known:
        require_fit([Problem(("preset",), f"{shown(name)} is unknown; {suggestion(name, known)}")])
    return _merged(preset(name), keys)


def _without_sources(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    return entry["value"] if "value" in entry else {key: _without_sources(value) for key, value in entry.items()}


def _merged(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Return both mappings as one, `top` winning, and mappings inside them likewise."""
    merged = {**base, **top}
    for key in base.keys() & top.keys():
        if isinstance(base[key], Mapping) and isinstance(top[key], Mapping):
            merged[key] = _merged(base[key], top[key])
    return merged
