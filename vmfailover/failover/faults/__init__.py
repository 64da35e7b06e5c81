"""What can go wrong: the settings of each kind of fault, and what it does."""

#: Where each kind of fault is.
KINDS = {
    "host-crash": f"{__name__}.hosts:HostCrash",
    "power-loss": f"{__name__}.hosts:PowerLoss",
    "vm-crash": f"{__name__}.hosts:VmCrash",
    "memory-error": f"{__name__}.hosts:UncorrectableError",
    "hypervisor-hang": f"{__name__}.hosts:HypervisorHang",
    "slow-host": f"{__name__}.hosts:SlowHost",
    "network-loss": f"{__name__}.network:NetworkLoss",
    "isolation": f"{__name__}.network:Isolation",
    "all-paths-down": f"{__name__}.storage:AllPathsDown",
    "storage-loss": f"{__name__}.storage:StorageLoss",
    "link-cut": f"{__name__}.links:LinkCut",
    "link-loss": f"{__name__}.links:LinkLoss",
    "link-slow": f"{__name__}.links:LinkSlow",
}
