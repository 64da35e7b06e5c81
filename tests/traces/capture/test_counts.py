"""What is captured of programs is what they do, to the last access."""

from pathlib import Path

import pytest

from traces.capture.guests import (
    AFTER,
    BEFORE,
    EACH,
    RECORDERS,
    USER_EMULATOR,
    compiled,
    needs,
    stores_to_pages,
)
from vmfailover.traces.capture import capture
from vmfailover.traces.capture.capture import PROCESS
from vmfailover.traces.capture.recorders import EMULATOR
from vmfailover.traces.format import open_trace

PAGES = 3000
#: The marks of traces/capture/marker.c.
BEGIN, END = ".byte 0x0f,0x1f,0x84,0,0xef,0xbe,0xad,0xdf", ".byte 0x0f,0x1f,0x84,0,0xef,0xbe,0xad,0xde"


@pytest.mark.parametrize("recorder", RECORDERS)
def test_every_store_and_instruction_is_counted(tmp_path: Path, recorder: str) -> None:
    guest = stores_to_pages(tmp_path, PAGES)
    found = capture([str(guest)], tmp_path / "out.parquet", PROCESS, recorder=recorder).conversion
    assert (found.loads, found.stores, found.pages_written, found.lines_written) == (0, PAGES, PAGES, PAGES)
    assert found.instructions == BEFORE + EACH * PAGES + AFTER
    assert found.left_out == {}
    written = open_trace(tmp_path / "out.parquet").metadata
    assert (written.accesses, written.address_space) == (PAGES, "virtual")
    assert str(guest) in written.source


@pytest.mark.parametrize("recorder", RECORDERS)
def test_a_part_is_what_was_asked_for(tmp_path: Path, recorder: str) -> None:
    guest = stores_to_pages(tmp_path, PAGES)
    out = tmp_path / "out.parquet"
    found = capture([str(guest)], out, PROCESS, recorder=recorder, skip=100, limit=200).conversion
    assert (found.accesses, found.stores, found.pages_written) == (200, 200, 200)
    assert open_trace(out).metadata.instructions == EACH * 200


@needs(USER_EMULATOR)
def test_only_what_lies_between_marks_is_recorded(tmp_path: Path) -> None:
    guest = stores_to_pages(tmp_path, PAGES, f"push %rax\n{BEGIN}", f"{END}\npush %rax")
    found = capture([str(guest)], tmp_path / "out.parquet", PROCESS, recorder=EMULATOR, marker=True).conversion
    assert (found.loads, found.stores) == (0, PAGES)
    assert found.instructions == EACH * PAGES + 1


STORES = 'asm volatile("1: movq %%rcx, (%1)\\ndec %%ecx\\njnz 1b" : "+c"(number) : "r"(at) : "memory");'


@needs(USER_EMULATOR)
def test_instructions_are_counted_by_vcpu(tmp_path: Path) -> None:
    guest = compiled(
        tmp_path,
        f"""#include <pthread.h>
        static void *work(void *many) {{ long number = (long)many, place, *at = &place; {STORES} return 0; }}
        int main(void) {{
            pthread_t other;
            pthread_create(&other, 0, work, (void *)900000L);
            work((void *)300000L);
            return pthread_join(other, 0);
        }}""",
    )
    found = capture([str(guest)], tmp_path / "out.parquet", PROCESS, recorder=EMULATOR).conversion
    counts = sorted(each["instructions"] for each in found.threads.values())
    assert len(counts) == 2
    assert 900_000 < counts[0] < 1_100_000
    assert 2_700_000 < counts[1] < 2_900_000
    assert sum(counts) == found.instructions


@needs(USER_EMULATOR)
def test_a_forked_process_is_not_recorded(tmp_path: Path) -> None:
    guest = compiled(
        tmp_path,
        f"""#include <unistd.h>
        #include <sys/wait.h>
        int main(void) {{
            long number = 500000, place, *at = &place;
            if (!fork()) {{ {STORES} return 0; }}
            return wait(0) < 0;
        }}""",
    )
    found = capture([str(guest)], tmp_path / "out.parquet", PROCESS, recorder=EMULATOR).conversion
    assert 0 < found.stores < 100_000
    assert found.left_out == {}
