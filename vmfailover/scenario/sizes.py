"""Sizes that the model fixes, and how long bytes take to move."""

_NS_PER_S = 10**9

#: Bytes of one address, in the log and in messages.
ADDRESS_BYTES = 8
#: Bytes of a page, the smallest of x86.
PAGE_BYTES = 4096
#: Lines of a memory, at most: a line number has 31 bits.
MOST_LINES = 2**31
#: Memory of which every access is executed, at most, in bytes: the number of a block of 64 bytes has 32 bits.
MOST_EXECUTED = 2**38
#: Ways of L1 and L2, at most.
MOST_WAYS = 255


def transfer_ns(amount: int, per_second: int) -> int:
    """Return the whole nanoseconds within which an amount has moved, in bytes or bits as the rate has them."""
    return -(-amount * _NS_PER_S // per_second)
