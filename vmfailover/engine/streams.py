"""Random numbers: one stream for every component, keyed by its name."""

import hashlib

import numpy as np


def seed_sequence(seed: int, component: str) -> np.random.SeedSequence:
    """Return the seed of a component's stream; it depends on nothing but the run's seed and the component's name."""
    digest = hashlib.sha256(component.encode()).digest()
    return np.random.SeedSequence(seed, spawn_key=tuple(np.frombuffer(digest, np.uint32).tolist()))


def generator(seed: int, component: str) -> np.random.Generator:
    """Return a component's random numbers."""
    return np.random.Generator(np.random.PCG64DXSM(seed_sequence(seed, component)))
