"""Presets: the numbers of well-known processors, trackers and clusters, each with its source, in `presets/*.yaml`.

A preset of a section may bring others too, under `with`. A file of the user's own is named by its path.
"""

from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from vmfailover.scenario.document import parse
from vmfailover.scenario.errors import Problem, require_fit, shown, suggestion
from vmfailover.scenario.reading import document_of

#: Names that `preset:` of a host may have.
HOST_PRESETS = ("power7", "power8", "xeon")
#: How the path of a user's own preset ends.
SUFFIX = ".yaml"
#: The key under which a preset has what it says of other sections.
_OTHERS = "with"


@cache
def preset_text(name: str) -> str:
    """Return the file of a preset, with the source of each number."""
    return (files("vmfailover.scenario") / "presets" / f"{name}.yaml").read_text(encoding="utf-8")


@cache
def preset(name: str) -> Mapping[str, Any]:
    """Return the keys of a preset as a scenario file would have them."""
    values: Mapping[str, Any] = _without_sources(parse(preset_text(name), f"{name}.yaml").data)
    return values


def apply_preset(keys: dict[str, Any], known: Collection[str], folder: Path | None = None) -> dict[str, Any]:
    """Return keys on top of those of the preset that they name, which may be a file, its path relative to `folder`.

    Raises MisfitError if it is neither a file nor a `known` one, ScenarioError if the file is no preset.
    """
    name = keys.get("preset")
    if not isinstance(name, str):
        return keys
    own = {key: value for key, value in _named(name, known, folder).items() if key != _OTHERS}
    return _merged(own, keys)


def with_other_sections(
    scenario: dict[str, Any], section: str, known: Collection[str], folder: Path | None
) -> dict[str, Any]:
    """Return the keys of a scenario on top of what the preset of a section says of other sections.

    A section of which the scenario names another kind than the preset is left as it is.
    """
    keys = scenario.get(section)
    name = keys.get("preset") if isinstance(keys, dict) else None
    if not isinstance(name, str) or not (name in known or name.endswith(SUFFIX)):
        return scenario
    others = _named(name, known, folder).get(_OTHERS, {})
    fitting = {key: value for key, value in others.items() if _is_same_kind(value, scenario.get(key, {}))}
    return _merged(fitting, scenario)


def _is_same_kind(preset_keys: Mapping[str, Any], own: Any) -> bool:
    kind = preset_keys.get("kind")
    return isinstance(own, Mapping) and own.get("kind", kind) == kind


def _named(name: str, known: Collection[str], folder: Path | None) -> Mapping[str, Any]:
    if name in known:
        return preset(name)
    if not name.endswith(SUFFIX):
        message = f"{shown(name)} is unknown; {suggestion(name, known)}, or the path of a file, 'NAME{SUFFIX}'"
        require_fit([Problem(("preset",), message)])
    found = _without_sources(document_of((folder or Path()) / name).data)
    if not isinstance(found, dict) or not isinstance(found.get(_OTHERS, {}), dict):
        require_fit([Problem(("preset",), f"{shown(name)} is no preset: it has to be a mapping of keys")])
    return dict(found)


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
