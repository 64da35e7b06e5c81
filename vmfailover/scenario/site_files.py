"""What a site has: the detection that a corosync.conf or a keepalived.conf says."""

import re
from collections.abc import Iterator
from pathlib import Path

from vmfailover.errors import InputError, reason_of
from vmfailover.files.regular_file import read_regular
from vmfailover.scenario.units import DURATION

#: A file larger than this, in bytes, is no such file.
_LARGEST = 2**20
_MS = 1_000_000
#: Keys of corosync.conf's `totem`, in milliseconds, by those of `detection.token`.
_TOTEM = {"token": "token", "token_coefficient": "coefficient", "consensus": "consensus", "join": "join"}
#: Priority of a router that says none: keepalived.conf(5).
_PRIORITY = "100"
_PRIORITIES = range(1, 256)


def detection_of(path: Path) -> str:
    """Return the `detection` of a scenario, in YAML on one line, that a corosync.conf or a keepalived.conf says.

    Raises InputError, which names the file, if it cannot be read or is neither of the two.
    """
    text = re.sub(r"(?m)^\s*[#!].*$", "", _content(path))
    try:
        if (totem := _block(text, r"totem\s*")) is not None:
            return _of_corosync(totem, text)
        if (router := _block(text, r"vrrp_instance\s+\S+\s*")) is not None:
            return _of_keepalived(router)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
    raise InputError(f"{path}: has neither 'totem {{…}}' of a corosync.conf nor 'vrrp_instance NAME {{…}}'")


def with_detection(template: str, detection: str) -> str:
    """Return a template that has this detection, and goes on until it is through with it."""
    line = re.compile(r"^# detection: .*$", re.MULTILINE)
    extended = re.sub(r"(?m)^extend: none(?=\s)", "extend: until-takeover", template, count=1)
    return line.sub(lambda _: f"detection: {detection}", extended, count=1)


def _content(path: Path) -> str:
    try:
        return read_regular(path, _LARGEST).decode("utf-8", "replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {reason_of(error)}") from None


def _block(text: str, opening: str) -> str | None:
    """Return what stands between the braces of the first block that begins so, the braces inside included."""
    begin = re.search(rf"(?m)^\s*{opening}\{{", text)
    if begin is None:
        return None
    depth = 1
    for brace in re.finditer(r"[{}]", text[begin.end() :]):
        depth += 1 if brace.group() == "{" else -1
        if not depth:
            return text[begin.end() : begin.end() + brace.start()]
    raise ValueError(f"'{begin.group().strip()}' has no closing brace")


def _of_corosync(totem: str, text: str) -> str:
    nodes = len(re.findall(r"(?m)^\s*node\s*\{", _block(text, r"nodelist\s*") or ""))
    keys = [f"members: {nodes}"] if nodes > 1 else []
    keys += [f"{key}: {value}" for key, value in _timers(totem)]
    return "{preset: corosync-3" + (f", token: {{{', '.join(keys)}}}" if keys else "") + "}"


def _timers(totem: str) -> Iterator[tuple[str, str]]:
    for theirs, ours in _TOTEM.items():
        if found := re.search(rf"(?m)^\s*{theirs}\s*:\s*(\S+)", totem):
            yield ours, DURATION.format(_number(theirs, found.group(1)) * _MS)


def _of_keepalived(router: str) -> str:
    """Return heartbeats whose timeout is three advertisements and the skew of the priority (RFC 5798)."""
    priority = _number("priority", _word(router, "priority", _PRIORITY))
    if priority not in _PRIORITIES:
        raise ValueError(f"priority: {priority} is not from 1 to 255")
    advertisement_ns = int(DURATION.read(f"{_word(router, 'advert_int', '1')} s"))
    timeout_ns = advertisement_ns * (3 * 256 + 256 - priority) // 256
    times = f"interval: {DURATION.format(advertisement_ns)}, timeout: {DURATION.format(timeout_ns)}"
    return f"{{preset: keepalived, {times}}}"


def _word(block: str, key: str, otherwise: str) -> str:
    found = re.search(rf"(?m)^\s*{key}\s+(\S+)", block)
    return found.group(1) if found else otherwise


def _number(key: str, text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text):
        raise ValueError(f"{key}: {text!r} is not a whole number")
    return int(text)
