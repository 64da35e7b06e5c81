"""Host presets: the numbers of well-known processors, each with its source, in `presets/*.yaml`."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from vmfailover.scenario.document import parse
from vmfailover.scenario.errors import Problem, require_fit, shown, suggestion

#: Names that `preset:` may have.
PRESETS = ("power7", "power8", "xeon")


@cache
def preset_text(name: str) -> str:
    """Return the file of a preset, with the source of each number."""
    return (files("vmfailover.scenario") / "presets" / f"{name}.yaml").read_text(encoding="utf-8")


@cache
def preset(name: str) -> Mapping[str, Any]:
    """Return the keys of a preset as a scenario file would have them."""
    values: Mapping[str, Any] = _without_sources(parse(preset_text(name), f"{name}.yaml").data)
    return values


def apply_preset(host: dict[str, Any]) -> dict[str, Any]:
    """Return the keys of a host on top of those of its preset; raise MisfitError if that is unknown."""
    name = host.get("preset")
    if not isinstance(name, str):
        return host
    if name not in PRESETS:
        require_fit([Problem(("preset",), f"{shown(name)} is unknown; {suggestion(name, PRESETS)}")])
    return _merged(preset(name), host)


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
