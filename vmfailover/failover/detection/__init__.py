"""How each host learns that the other is gone: a folder for each way, with its settings, and beside them its code."""

#: Where the settings of each kind of detector are.
KINDS = {
    "heartbeat": f"{__name__}.heartbeat:HeartbeatSettings",
    "phi-accrual": f"{__name__}.phi_accrual:PhiAccrualSettings",
    "swim": f"{__name__}.swim:SwimSettings",
    "token": f"{__name__}.token:TokenSettings",
    "sentinel": f"{__name__}.sentinel:SentinelSettings",
    "hardware": f"{__name__}.hardware:HardwareSettings",
    "witness": f"{__name__}.witness:WitnessSettings",
}
