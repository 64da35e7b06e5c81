"""Programs whose accesses to memory are known exactly, and what pretends to be an emulator."""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from vmfailover.traces.capture.recorders import EMULATOR, VALGRIND

#: The user-mode emulator of this machine.
USER_EMULATOR = f"qemu-{platform.machine()}"
IS_X86 = platform.machine() == "x86_64"


def needs(*programs: str) -> pytest.MarkDecorator:
    """Return a mark that skips a test unless this is an x86, on which the programs are."""
    missing = [program for program in ("cc", *programs) if shutil.which(program) is None]
    reason = f"needs {', '.join(missing)}" if IS_X86 else "its guest is of an x86"
    return pytest.mark.skipif(bool(missing) or not IS_X86, reason=reason)


#: Both recorders of processes, each skipped where it is not installed; to compile what reads lackey takes a while.
RECORDERS = [
    pytest.param(EMULATOR, marks=needs(USER_EMULATOR)),
    pytest.param(VALGRIND, marks=(needs("valgrind"), pytest.mark.slow)),
]
#: Instructions of `stores_to_pages` before, in, and after its loop.
BEFORE, EACH, AFTER = 2, 4, 3


def stores_to_pages(folder: Path, pages: int, before: str = "", after: str = "") -> Path:
    """Return a program that stores once to each of so many pages, loads nothing, and ends.

    `before` and `after` are instructions around its loop.
    """
    return assembled(
        folder,
        f"""
        .globl _start
        _start: lea buffer(%rip), %rax
        mov ${pages}, %ecx
        {before}
        1: movq %rcx, (%rax)
        add $4096, %rax
        dec %ecx
        jnz 1b
        {after}
        mov $60, %eax
        xor %edi, %edi
        syscall
        .bss
        .balign 4096
        buffer: .skip {4096 * pages}
        """,
    )


def stores_for_ever(folder: Path) -> Path:
    """Return a program that does nothing but store, and never ends."""
    return assembled(folder, ".globl _start\n_start: push %rax\npop %rcx\njmp _start\n")


def assembled(folder: Path, text: str) -> Path:
    """Return a program of nothing but these instructions."""
    source = folder / "guest.s"
    source.write_text(text)
    return _built(source, "-nostdlib", "-static")


def compiled(folder: Path, text: str) -> Path:
    """Return a program in C."""
    source = folder / "guest.c"
    source.write_text(text)
    return _built(source, "-O2", "-static", "-pthread")


def _built(source: Path, *flags: str) -> Path:
    program = source.with_suffix("")
    subprocess.run(["cc", *flags, "-o", program, source], check=True)
    return program


def pretended_emulator(folder: Path, does: str) -> Path:
    """Return what says that it is an emulator, and then does what the Python code `does` says.

    There `output` is the file to which it records, and `plugin` the argument of the plug-in.
    """
    program = folder / "qemu-pretended"
    program.write_text(f"""#!{sys.executable} -S
import os, signal, sys, time
if "--version" in sys.argv:
    print("QEMU emulator version 7.2.22")
    sys.exit()
plugin = sys.argv[sys.argv.index("-plugin") + 1]
output = open(int(plugin.split("fd=")[1].split(",")[0]), "wb", buffering=0)
{does}
""")
    program.chmod(0o755)
    return program
