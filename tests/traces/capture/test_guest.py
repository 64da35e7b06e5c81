"""A real guest, of Debian's kernel and busybox, is recorded while an emulator runs it."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from traces.capture.guests import EACH, USER_EMULATOR, compiled, needs, stores_to_pages
from vmfailover.traces.capture import capture
from vmfailover.traces.capture.capture import VM, Capture
from vmfailover.traces.format import open_trace

EMULATOR = "qemu-system-x86_64"
KERNELS = sorted(Path("/boot").glob("vmlinuz-*"))
MARKER = Path(capture.__code__.co_filename).with_name("marker.c")
PAGES = 3000
#: Ends a guest that hangs, which fails.
BOUNDED = ("timeout", "400")
#: Lets the guest's clock follow its instructions.
FOLLOWING = "-icount shift=0,sleep=off"
BEGIN, END = ".byte 0x0f,0x1f,0x84,0,0xef,0xbe,0xad,0xdf", ".byte 0x0f,0x1f,0x84,0,0xef,0xbe,0xad,0xde"

pytestmark = [
    pytest.mark.slow,
    needs(EMULATOR, USER_EMULATOR, "busybox", "cpio"),
    pytest.mark.skipif(not KERNELS, reason="needs a kernel in /boot"),
]


def recorded(folder: Path, script: str, options: str = FOLLOWING, **settings: Any) -> Capture:
    """Boot a guest that runs a script, and record it."""
    flags = f"{options} -nodefaults -no-user-config -display none -serial stdio -no-reboot -m 128M"
    boot = ["-kernel", str(KERNELS[-1]), "-initrd", str(initramfs(folder, script)), "-append", "console=ttyS0 quiet"]
    return capture([*BOUNDED, EMULATOR, *flags.split(), *boot], folder / "out.parquet", VM, **settings)


def initramfs(folder: Path, script: str) -> Path:
    """Return an archive of a guest that has busybox and the marker, and what else is in the folder `root`."""
    root = folder / "root"
    (root / "proc").mkdir(parents=True, exist_ok=True)
    shutil.copy(str(shutil.which("busybox")), root)
    shutil.copy(compiled(folder, MARKER.read_text()), root / "marker")
    init = root / "init"
    init.write_text(f"#!/busybox sh\n/busybox mount -t proc proc /proc\n{script}\n/busybox poweroff -f\n")
    init.chmod(0o755)
    archive = folder / "initramfs"
    names = "\n".join(str(path.relative_to(root)) for path in root.rglob("*"))
    packed = subprocess.run(
        ["cpio", "-o", "-H", "newc", "--quiet"], cwd=root, input=names.encode(), capture_output=True
    )
    archive.write_bytes(packed.stdout)
    return archive


def test_stores_of_a_program_are_counted_and_its_pages_too(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    loop = "2: movq %rcx, (%rax)\nadd $4096, %rax\ndec %ecx\njnz 2b"
    again = f"lea buffer(%rip), %rax\nmov ${PAGES}, %ecx\n{BEGIN}\n{loop}\n{END}"
    shutil.copy(stores_to_pages(tmp_path, PAGES, after=again), tmp_path / "root" / "stores")
    result = recorded(tmp_path, "/stores", marker=True)
    found = result.conversion
    assert found.instructions is not None
    assert PAGES <= found.stores <= PAGES + 200
    assert PAGES <= found.pages_written <= PAGES + 50
    assert EACH * PAGES <= found.instructions <= EACH * PAGES + 2000
    assert found.metadata.address_space == "physical"
    assert found.metadata.memory_bytes <= 128 << 20
    assert len(result.notes) == 1


def test_a_guest_that_sleeps_is_idle(tmp_path: Path) -> None:
    found = recorded(tmp_path, "/marker 1; /busybox sleep 0.3; /marker 0", marker=True).conversion
    assert found.metadata.idle_ns is not None
    assert 0.28e9 < found.metadata.idle_ns + found.metadata.instructions < 0.33e9
    assert found.metadata.idle_ns > 0.25e9


def test_each_vcpu_has_its_instructions_and_idle_time(tmp_path: Path) -> None:
    work = "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done"
    script = f"/marker 1; /busybox taskset 2 /busybox sh -c '{work}'; /marker 0"
    result = recorded(tmp_path, script, "-smp 2", marker=True)
    assert open_trace(tmp_path / "out.parquet").metadata.vcpus == 2
    busy, other = (result.conversion.threads[vcpu]["instructions"] for vcpu in "10")
    assert busy > 3000 * 100
    assert busy > other
    assert result.conversion.metadata.idle_ns
    assert len(result.notes) == 2


def test_the_beginning_of_a_boot(tmp_path: Path) -> None:
    found = recorded(tmp_path, "", "", skip=1_000_000, limit=3_000_000).conversion
    assert found.accesses == 3_000_000
    assert found.instructions is not None
    assert 1 < found.instructions / found.accesses < 10
