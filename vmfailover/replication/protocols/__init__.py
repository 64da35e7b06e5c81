"""The ways to protect a VM: a folder a protocol, with its settings and what it can do, and beside them its code."""

#: Where the settings of each protocol are.
KINDS = {
    name: f"{__name__}.{name.replace('-', '_')}:{settings}"
    for name, settings in {
        "cacheline-flags": "CachelineFlagsSettings",
        "cacheline-transfer": "CachelineTransferSettings",
        "page-write-protect": "PageWriteProtectSettings",
        "page-modification-log": "PageModificationLogSettings",
        "page-dirty-bits": "PageDirtyBitsSettings",
        "undo-log": "UndoLogSettings",
        "output-compare": "OutputCompareSettings",
        "record-replay": "RecordReplaySettings",
        "live-precopy": "LivePrecopySettings",
        "cold-restart": "ColdRestartSettings",
    }.items()
}
