"""The indices of `state` as plain integers: the compiler treats members of an enumeration as a type of their own."""

from vmfailover.hardware.cache.state import Cost, Counter, Leaving, Mode, Policy, Register, Why

ACCESSES = int(Counter.ACCESSES)
STORES = int(Counter.STORES)
L1_LOAD_MISSES = int(Counter.L1_LOAD_MISSES)
L2_MISSES = int(Counter.L2_MISSES)
L3_HITS = int(Counter.L3_HITS)
WRITEBACKS = int(Counter.WRITEBACKS)
DIRTIED = int(Counter.DIRTIED)
TRANSFERS = int(Counter.TRANSFERS)
LOG_CASTOUT = int(Counter.LOG_CASTOUT)
LOG_SCAN = int(Counter.LOG_SCAN)
LOG_TRANSFER = int(Counter.LOG_TRANSFER)
LOG_WRITE_FS = int(Counter.LOG_WRITE_FS)
FIRST_STORES = int(Counter.FIRST_STORES)
EXITS = int(Counter.EXITS)
TRACKING_FS = int(Counter.TRACKING_FS)
MADE_UP_FS = int(Counter.MADE_UP_FS)

INSTRUCTION = int(Cost.INSTRUCTION)
L2 = int(Cost.L2)
L3 = int(Cost.L3)
MEMORY = int(Cost.MEMORY)
TRANSFER = int(Cost.TRANSFER)
LOG_WRITE = int(Cost.LOG_WRITE)
FIRST_STORE = int(Cost.FIRST_STORE)
EXIT = int(Cost.EXIT)

UNTRACKED = int(Mode.UNTRACKED)
FIRST_STORES_MODE = int(Mode.FIRST_STORES)

LOG = int(Leaving.LOG)
CARRY = int(Leaving.CARRY)
FORGET = int(Leaving.FORGET)

LINE_SHIFT = int(Policy.LINE_SHIFT)
LEAVING = int(Policy.LEAVING)
UNIT_SHIFT = int(Policy.UNIT_SHIFT)
BUFFER = int(Policy.BUFFER)

INITIAL = int(Register.INITIAL)
WRAP = int(Register.WRAP)
NEXT = int(Register.NEXT)
COLLECTED = int(Register.COLLECTED)
LIMIT = int(Register.LIMIT)

DEADLINE = int(Why.DEADLINE)
EXHAUSTED = int(Why.EXHAUSTED)
LOG_LIMIT = int(Why.LOG_LIMIT)
QUANTUM = int(Why.QUANTUM)

#: `CacheState.place` holds the way in L1 in its low byte, the way in L2 above.
L1_WAY = 0xFF
L2_WAY = 0xFF00
L2_WAY_SHIFT = 8
