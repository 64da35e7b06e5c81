"""The address patterns of synthetic workloads: which block each record of a stream touches."""

from __future__ import annotations

from math import ceil
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vmfailover.guest.workloads import generator
from vmfailover.guest.workloads.keys import Purpose, child, vcpu_keys, words
from vmfailover.guest.workloads.layout import Region, scattering
from vmfailover.guest.workloads.popularity import zipf_table

__all__ = ["Pattern", "PointerChase", "Sequential", "Uniform", "Zipf"]


class Pattern(Protocol):
    """Blocks as a function of the vCPU and the record's index."""

    #: Misses that can be under way at once; 0.0 means the host's default.
    parallelism: float

    def fill(self, block: NDArray[np.uint32], vcpu: int, first: int) -> None:
        """Sets all of `block` to the blocks of the vCPU's records from `first` on."""


class Uniform:
    """Every block of the region is equally likely."""

    parallelism = 0.0

    def __init__(self, region: Region, vcpus: int, seed: np.random.SeedSequence) -> None:
        self._region = region
        self._keys = vcpu_keys(seed, Purpose.ADDRESSES, vcpus)

    def fill(self, block: NDArray[np.uint32], vcpu: int, first: int) -> None:
        """See Pattern."""
        start, blocks = np.uint64(self._region.start), np.uint64(self._region.nodes)
        generator.fill_uniform(block, np.uint64(first), self._keys[vcpu], start, blocks)


class Zipf:
    """The block of rank r (from 1) is drawn in proportion to r ** -skew; ranks are strewn over the region.

    All vCPUs have the same ranking.
    """

    parallelism = 0.0

    def __init__(self, region: Region, skew: float, vcpus: int, seed: np.random.SeedSequence) -> None:
        self._region = region
        self._keys = vcpu_keys(seed, Purpose.ADDRESSES, vcpus)
        self._table = zipf_table(region.nodes, skew)
        self._scattering = scattering(region.nodes, words(child(seed, Purpose.LAYOUT), 3))

    def fill(self, block: NDArray[np.uint32], vcpu: int, first: int) -> None:
        """See Pattern."""
        generator.fill_ranks(block, np.uint64(first), self._keys[vcpu], self._table)
        _scatter(block, self._region, self._scattering)


class Sequential:
    """Addresses a stride apart through the region, modulo its size; vCPU k of n starts k/n of the way into it."""

    parallelism = 0.0

    def __init__(self, region: Region, stride: int, vcpus: int) -> None:
        self._region = region
        self._stride = stride
        self._vcpus = vcpus

    def fill(self, block: NDArray[np.uint32], vcpu: int, first: int) -> None:
        """See Pattern."""
        size = self._region.size
        lead = vcpu * ceil(size / self._stride) // self._vcpus
        position, stride = (first + lead) * self._stride % size, self._stride % size
        numbers = map(np.uint64, (self._region.start, position, stride, size))
        generator.fill_sequential(block, *numbers)


class PointerChase:
    """A walk through all nodes of the region in a random order, and again; each access waits for the one before.

    All vCPUs walk the same cycle; vCPU k of n starts k/n of the way round.
    """

    parallelism = 1.0

    def __init__(self, region: Region, vcpus: int, seed: np.random.SeedSequence) -> None:
        self._region = region
        self._vcpus = vcpus
        self._scattering = scattering(region.nodes, words(child(seed, Purpose.LAYOUT), 3))

    def fill(self, block: NDArray[np.uint32], vcpu: int, first: int) -> None:
        """See Pattern."""
        nodes = self._region.nodes
        position = (first + vcpu * nodes // self._vcpus) % nodes
        generator.fill_cyclic(block, np.uint64(position), np.uint64(nodes))
        _scatter(block, self._region, self._scattering)


def _scatter(block: NDArray[np.uint32], region: Region, scattering: generator.Scattering) -> None:
    generator.scatter(block, np.uint64(region.start), np.uint64(region.node_blocks), scattering)
