"""A guest of one's own, from a command to a figure: its accesses to memory are recorded as it runs.

```sh
vmfailover trace capture --out guest.parquet --process --limit 5000000 -- gzip -c vmfailover/errors.py
vmfailover trace stats guest.parquet
vmfailover run scenarios/quickstart-short.yaml --set 'workload={trace: ../guest.parquet, repeat: shifted}' --out own
vmfailover report own
```

`trace capture` starts the command under a recorder, and converts what comes out of it as it comes; what other tools
have recorded goes through `trace convert`. A whole virtual machine is recorded by a plug-in of the emulator QEMU, a
process by the same plug-in or by Valgrind. What they do not see is said with the result.
"""

from vmfailover.traces.capture.capture import Capture, capture
from vmfailover.traces.capture.failure import CaptureError

__all__ = ["Capture", "CaptureError", "capture"]
