"""What runs in the VM: streams of memory accesses, recorded or generated; settings, and beside them their code."""

#: Where the settings of each kind of workload are.
KINDS = {
    "trace": f"{__name__}.trace:TraceWorkload",
    **dict.fromkeys(
        ("zipf", "sequential", "uniform", "pointer-chase", "idle"), f"{__name__}.synthetic:SyntheticWorkload"
    ),
    "mix": f"{__name__}.mix:MixWorkload",
    "hot-sets": f"{__name__}.hot_sets:HotSetsWorkload",
}
