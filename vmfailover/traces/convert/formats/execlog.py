"""QEMU's plug-in execlog: a line an instruction, `vcpu, address, opcode, "disassembly"`, then its accesses.

An access is `load, address` or `store, address`; in system mode the name of the device follows, which is RAM unless
the access is one to a device. Sizes are not told. See contrib/plugins/execlog.c of QEMU.
"""

from vmfailover.traces.convert.form import TextFormat
from vmfailover.traces.convert.lines import LineFormat
from vmfailover.traces.convert.operations import LOAD, STORE

__all__ = ["EXECLOG"]


class _Execlog(TextFormat):
    def is_physical(self, head: bytes) -> bool:
        """Whether devices are named, as they are in system mode, whose addresses are guest-physical."""
        return b", RAM" in head


EXECLOG = _Execlog(
    "execlog",
    LineFormat(
        thread=0,
        operation=4,
        address=5,
        words={"load": LOAD, "store": STORE},
        separator=",",
        line_is_instruction=True,
        left_out=("accesses to devices",),
        comments=("plugin",),
    ),
    mark=b'"',
)
