"""What makes sure that the VM no longer runs on a host given up for dead: settings, and beside them their code."""

#: Where the settings of each way to fence are.
KINDS = {
    "stonith": f"{__name__}.stonith:StonithSettings",
    "shared-storage": f"{__name__}.arbiter:SharedStorageSettings",
    "witness": f"{__name__}.arbiter:WitnessSettings",
    "watchdog": f"{__name__}.watchdog:WatchdogSettings",
    "none": f"{__name__}.none:NoFencingSettings",
}
