"""Dirty rates, as people, QEMU and libvirt tell them."""

import json
from pathlib import Path

import pytest

from vmfailover.errors import InputError
from vmfailover.studies.fit import DirtyRate, from_domstats, from_qmp

MIB = float(1 << 20)
#: What query-dirty-rate answers: QEMU 5.2 to 8.1, and 8.2 on.
MEASURED = {"status": "measured", "dirty-rate": 108, "mode": "page-sampling", "start-time": 3665220, "calc-time": 10}
NEWER = MEASURED | {"calc-time": 100, "calc-time-unit": "millisecond"}
DOMSTATS = """Domain: 'db'
  dirtyrate.calc_status=2
  dirtyrate.calc_start_time=1164
  dirtyrate.calc_period=3
  dirtyrate.calc_mode=dirty-ring
  dirtyrate.megabytes_per_second=4
  dirtyrate.vcpu.0.megabytes_per_second=3
  dirtyrate.vcpu.1.megabytes_per_second=1
"""


def file(folder: Path, text: str) -> Path:
    path = folder / "told.txt"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("80MB/s over 10ms", DirtyRate(80e6, 10_000_000)),
        ("1.5 GiB/s over 250 us", DirtyRate(1.5 * (1 << 30), 250_000)),
        ("12 MiB/s", DirtyRate(12 * MIB, 10**9, window_given=False)),
    ],
)
def test_a_rate_comes_with_its_window(text: str, rate: DirtyRate) -> None:
    assert DirtyRate.parse(text) == rate


def test_memory_modified_is_the_rate_times_the_window() -> None:
    assert DirtyRate.parse("80MB/s over 10ms").modified == 800_000


@pytest.mark.parametrize(
    "text", ["80", "80MB over 10ms", "80MB/s over", "80MB/s over 10", "0MB/s over 1s", "1MB/s over 0s"]
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=text) as caught:
        DirtyRate.parse(text)
    assert "\n" not in str(caught.value)


def test_answers_of_qemu(tmp_path: Path) -> None:
    greeting = {"QMP": {"version": {"qemu": {"major": 8}}, "capabilities": []}}
    session = "\n".join(map(json.dumps, [greeting, {"return": {}}, {"return": MEASURED}, {"return": NEWER}]))
    expected = [DirtyRate(108 * MIB, 10 * 10**9), DirtyRate(108 * MIB, 100 * 10**6)]
    assert from_qmp(file(tmp_path, session)) == expected
    assert from_qmp(file(tmp_path, json.dumps(MEASURED, indent=1))) == expected[:1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has no answer to query-dirty-rate"),
        ('{"return": {}}\n[1', "told.txt:2: is not JSON"),
        (json.dumps(MEASURED | {"status": "measuring"}), "is not measured yet"),
        (json.dumps(MEASURED | {"dirty-rate": 0}), "0 MiB/s is below the resolution"),
        (json.dumps(MEASURED | {"dirty-rate": "much"}), "is not a whole number"),
        (json.dumps(MEASURED | {"calc-time": 0}), "is not a whole number"),
        (json.dumps(MEASURED | {"calc-time-unit": "fortnight"}), "'calc-time-unit'"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_what_qemu_does_not_answer_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        from_qmp(file(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_what_virsh_prints(tmp_path: Path) -> None:
    assert from_domstats(file(tmp_path, DOMSTATS)) == [DirtyRate(4 * MIB, 3 * 10**9)]
    of_vcpus = DOMSTATS.replace("  dirtyrate.megabytes_per_second=4\n", "")
    assert from_domstats(file(tmp_path, of_vcpus)) == [DirtyRate(4 * MIB, 3 * 10**9)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Domain: 'db'\n", "has no dirty rate"),
        (DOMSTATS.replace("calc_status=2", "calc_status=1"), "has no dirty rate that is measured"),
        (DOMSTATS + DOMSTATS, "several domains"),
        (DOMSTATS.replace("dirtyrate.megabytes_per_second=4", "dirtyrate.megabytes_per_second=0"), "0 MiB/s is below"),
    ],
)
def test_what_virsh_does_not_print_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        from_domstats(file(tmp_path, text))
