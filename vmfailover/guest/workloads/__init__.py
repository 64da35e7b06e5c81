"""What runs in the VM: streams of memory accesses, recorded or generated."""

from vmfailover.guest.workloads.workload import Workload, open_workload, opened_trace

__all__ = ["Workload", "open_workload", "opened_trace"]
