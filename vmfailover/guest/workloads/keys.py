"""Keys of the random streams of a workload: one for each purpose and vCPU, none dependent on any other."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["Purpose", "child", "vcpu_keys", "words"]


class Purpose(IntEnum):
    """What a random stream decides."""

    LAYOUT = 0
    ADDRESSES = 1
    STORES = 2
    PHASE = 3
    REPETITION = 4
    VISITS = 5
    ORDER = 6
    FLUCTUATION = 7
    LOADS = 8
    INSTANTS = 9


def child(seed: np.random.SeedSequence | int, *path: int) -> np.random.SeedSequence:
    """The seed below `seed` at `path`; unlike spawning, it does not change `seed`."""
    parent = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    return np.random.SeedSequence(parent.entropy, spawn_key=(*parent.spawn_key, *path))


def words(seed: np.random.SeedSequence, count: int) -> NDArray[np.uint64]:
    """uint64[count]: random bits, the same on every machine and with every version of NumPy."""
    return np.asarray(seed.generate_state(count, np.uint64), np.uint64)


def vcpu_keys(seed: np.random.SeedSequence, purpose: Purpose, vcpus: int) -> NDArray[np.uint64]:
    """uint64[vcpus]: the key of each vCPU's stream; more vCPUs leave the keys of the others as they were."""
    return np.concatenate([words(child(seed, purpose, vcpu), 1) for vcpu in range(vcpus)])
