"""Generated workloads: one pattern of addresses, with stores and instructions to match."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from vmfailover.errors import InputError
from vmfailover.guest.workloads.generator import fill_dithered, fill_stores
from vmfailover.guest.workloads.keys import Purpose, vcpu_keys
from vmfailover.guest.workloads.layout import Region
from vmfailover.guest.workloads.paced.accesses import paced
from vmfailover.guest.workloads.patterns import Pattern, PointerChase, Sequential, Uniform, Zipf
from vmfailover.guest.workloads.synthetic import SyntheticPhase, SyntheticWorkload
from vmfailover.guest.workloads.workload import Workload
from vmfailover.traces.accesses import BLOCK_BYTES, AccessChunk

__all__ = ["SyntheticAccesses", "synthetic_accesses"]


class SyntheticAccesses:
    """Endless streams of accesses as a scenario's synthetic workload, or a phase of a mix, describes them.

    The vCPUs share the working set and differ in what they do there. Every record is a function of the seed, the
    vCPU and the record's index. Each record is one access (`count` is 1), and instructions add up to the mean per
    access exactly: the first n records have the whole part of n times the mean.
    """

    #: Records in a chunk, few enough for a processor's cache.
    CHUNK_RECORDS = 1 << 15

    def __init__(self, spec: SyntheticPhase, vcpus: int, line_bytes: int | None, seed: np.random.SeedSequence) -> None:
        """`line_bytes` (a multiple of 64; None: 64) is the size of the nodes of a pointer chase.

        Raises InputError for a working set that ends beyond 256 GiB and for records of 2**32 instructions or more.
        """
        if not spec.instructions_per_access < 2**32 - 1:
            raise InputError("workload: instructions_per_access is beyond 4294967294; lower it")
        whole, fraction = divmod(spec.instructions_per_access, 1)
        self._pattern = _pattern(spec, vcpus, line_bytes, seed)
        self._whole, self._fraction = np.uint32(whole), np.uint64(int(fraction * 2**64))
        self._threshold = np.uint64(round(spec.store_fraction * 2**32))
        self._keys = vcpu_keys(seed, Purpose.STORES, vcpus)

    @property
    def parallelism(self) -> float:
        """Misses that can be under way at once; 0.0 means the host's default."""
        return self._pattern.parallelism

    def chunks(self, vcpu: int, first: int = 0) -> Iterator[AccessChunk]:
        """The records of a vCPU from its record number `first` on, without end."""
        while True:
            yield self.chunk(vcpu, first, self.CHUNK_RECORDS)
            first += self.CHUNK_RECORDS

    def chunk(self, vcpu: int, first: int, records: int) -> AccessChunk:
        """The records `first` to `first + records - 1` of a vCPU; at most CHUNK_RECORDS of them."""
        block, instructions = np.empty((2, records), np.uint32)
        write = np.empty(records, np.uint8)
        self._pattern.fill(block, vcpu, first)
        fill_stores(write, np.uint64(first), self._keys[vcpu], self._threshold)
        fill_dithered(instructions, np.uint64(first), self._whole, self._fraction)
        return AccessChunk(first, block, write, _ones()[:records], instructions, self._pattern.parallelism)


def synthetic_accesses(
    spec: SyntheticWorkload, vcpus: int, line_bytes: int | None, seed: np.random.SeedSequence
) -> Workload:
    """The accesses that a scenario's synthetic workload describes; see SyntheticAccesses."""
    return paced(SyntheticAccesses(spec, vcpus, line_bytes, seed), spec, seed)


def _pattern(spec: SyntheticPhase, vcpus: int, line_bytes: int | None, seed: np.random.SeedSequence) -> Pattern:
    if spec.kind == "pointer-chase":
        region = Region.within(spec.offset, spec.working_set, line_bytes or BLOCK_BYTES)
        return PointerChase(region, vcpus, seed)
    region = Region.within(spec.offset, spec.working_set)
    if spec.kind == "zipf":
        return Zipf(region, spec.skew, vcpus, seed)
    if spec.kind == "sequential":
        return Sequential(region, spec.stride, vcpus)
    return Uniform(region, vcpus, seed)


@cache
def _ones() -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    return np.ones(SyntheticAccesses.CHUNK_RECORDS, np.uint32)
