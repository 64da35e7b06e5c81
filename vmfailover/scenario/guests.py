"""Guests to start from: workloads fitted to recordings, each with its origin, in `guests/*.yaml`."""

import re
import textwrap
from importlib.resources import files
from typing import Any

from vmfailover.scenario.document import parse

_HERE = files("vmfailover.scenario")
#: What a scenario takes of a guest's file, which begins with where it comes from and ends with how it was fitted.
_KEYS = re.compile(r"^kind:.*?(?=^fitted:)", re.MULTILINE | re.DOTALL)
#: The workload of the template.
_WORKLOAD = re.compile(r"(?<=^workload:\n).*?(?=^\n)", re.MULTILINE | re.DOTALL)
_WIDTH = 116


def guest_names() -> list[str]:
    """Return the names that `guest_text` knows."""
    return sorted(each.name.removesuffix(".yaml") for each in (_HERE / "guests").iterdir())


def guest_text(name: str) -> str:
    """Return the file of a guest, which `workload: {from: FILE}` reads."""
    return (_HERE / "guests" / f"{name}.yaml").read_text(encoding="utf-8")


def guest_workload(name: str) -> dict[str, Any]:
    """Return the keys of a guest's workload."""
    return dict(parse(_KEYS.findall(guest_text(name))[0], f"{name}.yaml").data)


def template_text(guest: str | None = None) -> str:
    """Return a commented scenario to start from, with the workload of a guest if one is named."""
    template = (_HERE / "template.yaml").read_text(encoding="utf-8")
    if guest is None:
        return template
    named = template.replace("name: first\n", f"name: {guest}\n")
    return _WORKLOAD.sub(lambda _: _workload_section(guest), named)


def _workload_section(guest: str) -> str:
    text = guest_text(guest)
    origin = textwrap.wrap(parse(text, f"{guest}.yaml").data["description"], _WIDTH)
    keys = _KEYS.findall(text)[0]
    return textwrap.indent("".join(f"# {line}\n" for line in origin) + keys, "  ")
