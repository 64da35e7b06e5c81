"""The compiled part of synthetic workloads: each column of a chunk as a function of the record's index.

Nothing here has a state: record i of a stream is the same whether or not the records before it were generated.
Unsigned 64-bit arithmetic wraps round, on purpose.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vmfailover.engine.compilation import compiled

__all__ = [
    "GAMMA",
    "AliasTable",
    "Scattering",
    "fill_cyclic",
    "fill_dithered",
    "fill_ranks",
    "fill_sequential",
    "fill_stores",
    "fill_uniform",
    "scatter",
]

_ONE = np.uint64(1)
_HALF = np.uint64(32)
#: An odd number near 2**64 divided by the golden ratio, by which random bits are made others.
GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
_SECOND_FACTOR = np.uint64(0x94D049BB133111EB)


@compiled
def random_bits(key: np.uint64, counter: np.uint64) -> np.uint64:
    """64 random bits, a function of key and counter: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    bits = key + (counter + _ONE) * GAMMA
    bits = (bits ^ (bits >> np.uint64(30))) * _FIRST_FACTOR
    bits = (bits ^ (bits >> np.uint64(27))) * _SECOND_FACTOR
    return bits ^ (bits >> np.uint64(31))


@compiled
def below(bits: np.uint64, limit: np.uint64) -> np.uint64:
    """A number from 0 to limit - 1 (limit <= 2**32) from the upper 32 of 64 random bits.

    Multiplication in place of division (Lemire, ACM TOMACS 29(1), 2019), without its rejection step: a number's
    probability is off by a relative limit / 2**32 at most, and exact if the limit is a power of two.
    """
    return ((bits >> _HALF) * limit) >> _HALF


class Scattering(NamedTuple):
    """A bijection of the numbers 0 to size - 1 that looks random."""

    #: How many numbers, at most 2**32.
    size: np.uint64
    #: Numbers are put in rows of 2**column_bits, of which this many are needed.
    rows: np.uint64
    #: See rows; about half the bits of a number.
    column_bits: np.uint64
    #: Keys of the three rounds.
    keys: tuple[np.uint64, np.uint64, np.uint64]


class AliasTable(NamedTuple):
    """Ranges of ranks, to draw one from: a power of two of equally likely cells (see `popularity`)."""

    #: uint32[cells]: how often out of 2**31 the cell's own range is drawn.
    threshold: NDArray[np.uint32]
    #: uint32[cells]: the cell whose range is drawn otherwise.
    alias: NDArray[np.uint32]
    #: uint32[cells]: lowest rank of the cell's range.
    lowest: NDArray[np.uint32]
    #: uint32[cells]: number of ranks in the cell's range.
    ranks: NDArray[np.uint32]


@compiled
def scatter_once(number: np.uint64, scattering: Scattering) -> np.uint64:
    """A bijection of 0 to rows * columns - 1: three rounds of a Feistel network on row and column.

    Each round shifts the row by a random function of the column, or the other way round (Black and Rogaway,
    "Ciphers with arbitrary finite domains", CT-RSA 2002, the generalised Feistel cipher).
    """
    bits, rows = scattering.column_bits, scattering.rows
    columns = _ONE << bits
    row, column = number >> bits, number & (columns - _ONE)
    row += below(_blend(column + scattering.keys[0]), rows)
    row = row - rows if row >= rows else row
    column = (column + below(_blend(row + scattering.keys[1]), columns)) & (columns - _ONE)
    row += below(_blend(column + scattering.keys[2]), rows)
    row = row - rows if row >= rows else row
    return (row << bits) | column


@compiled
def _blend(value: np.uint64) -> np.uint64:
    value *= _FIRST_FACTOR
    return (value ^ (value >> _HALF)) * _SECOND_FACTOR


@compiled
def scatter(block: NDArray[np.uint32], start: np.uint64, node_blocks: np.uint64, scattering: Scattering) -> None:
    """Replaces numbers below the scattering's size by the first blocks of the nodes at their scattered places.

    Places in the last row that are not below the size (rare) are scattered again; the first loop stays free of
    branches so that it can be vectorised.
    """
    for index in range(len(block)):
        block[index] = np.uint32(scatter_once(np.uint64(block[index]), scattering))
    for index in range(len(block)):
        while block[index] >= scattering.size:
            block[index] = np.uint32(scatter_once(np.uint64(block[index]), scattering))
        block[index] = np.uint32(start + np.uint64(block[index]) * node_blocks)


@compiled
def fill_uniform(
    block: NDArray[np.uint32], first: np.uint64, key: np.uint64, start: np.uint64, blocks: np.uint64
) -> None:
    """Blocks drawn evenly from start to start + blocks - 1."""
    for index in range(len(block)):
        bits = random_bits(key, first + np.uint64(index))
        block[index] = np.uint32(start + below(bits, blocks))


@compiled
def fill_ranks(rank: NDArray[np.uint32], first: np.uint64, key: np.uint64, table: AliasTable) -> None:
    """Ranks drawn from an alias table."""
    mask = np.uint64(len(table.alias) - 1)
    for index in range(len(rank)):
        bits = random_bits(key, first + np.uint64(index))
        cell = bits & mask
        alias = np.uint64(table.alias[cell])
        kept = np.uint64((bits >> np.uint64(33)) < np.uint64(table.threshold[cell]))
        drawn = alias ^ ((alias ^ cell) * kept)
        rank[index] = table.lowest[drawn] + np.uint32(below(bits * GAMMA, np.uint64(table.ranks[drawn])))


@compiled
def fill_sequential(
    block: NDArray[np.uint32], start: np.uint64, position: np.uint64, stride: np.uint64, size: np.uint64
) -> None:
    """Blocks at position, position + stride, … bytes modulo size, counted from block `start`; stride < size."""
    for index in range(len(block)):
        block[index] = np.uint32(start + (position >> np.uint64(6)))
        position += stride
        if position >= size:
            position -= size


@compiled
def fill_cyclic(values: NDArray[np.uint32], position: np.uint64, size: np.uint64) -> None:
    """position, position + 1, … modulo size; position < size <= 2**32."""
    for index in range(len(values)):
        values[index] = np.uint32(position)
        position += _ONE
        if position == size:
            position = np.uint64(0)


@compiled
def fill_stores(write: NDArray[np.uint8], first: np.uint64, key: np.uint64, threshold: np.uint64) -> None:
    """1 with probability threshold / 2**32, else 0."""
    for index in range(len(write)):
        write[index] = np.uint8((random_bits(key, first + np.uint64(index)) >> _HALF) < threshold)


@compiled
def fill_dithered(values: NDArray[np.uint32], first: np.uint64, whole: np.uint32, fraction: np.uint64) -> None:
    """Numbers whole or whole + 1 such that the first n of the stream add up to n * (whole + fraction / 2**64), cut.

    The fraction of the sum before a record is its index times the fraction, modulo 1; where adding the fraction
    once more carries over, the record gets one more.
    """
    for index in range(len(values)):
        before = (first + np.uint64(index)) * fraction
        values[index] = whole + np.uint32(before + fraction < before)
