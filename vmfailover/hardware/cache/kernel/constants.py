"""The indices of `state` as plain integers: the compiler treats members of an enumeration as a type of their own."""

ACCESSES, STORES, L1_LOAD_MISSES, L2_MISSES, L3_HITS, WRITEBACKS, DIRTIED, TRANSFERS = range(8)
LOG_CASTOUT, LOG_SCAN, LOG_TRANSFER, _LOG_SOFTWARE, LOG_WRITE_FS, FIRST_STORES, EXITS, TRACKING_FS = range(8, 16)
INSTRUCTION, L2, L3, MEMORY, TRANSFER, LOG_WRITE, FIRST_STORE, EXIT = range(8)
UNTRACKED, _FLAGS, FIRST_STORES_MODE = range(3)
LOG, CARRY, FORGET = range(3)
LINE_SHIFT, LEAVING, UNIT_SHIFT, BUFFER = range(4)
INITIAL, WRAP, NEXT, _TAIL, _SIZE, COLLECTED, LIMIT = range(7)
DEADLINE, EXHAUSTED, LOG_LIMIT, QUANTUM = range(4)
#: `CacheState.place` holds the way in L1 in its low byte, the way in L2 above.
L1_WAY = 0xFF
L2_WAY_SHIFT = 8
