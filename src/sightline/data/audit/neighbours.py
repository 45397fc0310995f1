"""Pairs of vectors that point the same way, among many: an inverted file of cells around sampled vectors.

The cells are those of Sivic and Zisserman (2003, "Video Google"), with pivots drawn from the vectors themselves instead
of trained ones: what is looked for is so near that it shares a cell in nearly every case.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

CELLS = 8  # each vector is filed under its nearest ones
MOST = 8  # neighbours kept of one query in one cell; a thousand frames of one film need not be a million pairs
EXHAUSTIVE = 4_096  # up to so many vectors all pairs are compared
BLOCK = 4_096  # queries compared at a time
SEED = 0


def neighbours(base: NDArray[np.floating], queries: Iterable[NDArray[np.floating]], cosine: float) -> NDArray[np.int64]:
    """Index pairs (query, base) with at least this cosine, each once and none with itself: int64 (P, 2), ascending.

    base: unit vectors (N, D), float32, or float16 to save memory. queries: any number of variants of them, each (N, D),
    e.g. of the mirrored images; row i of each stands for image i. Up to 4,096 vectors none is missed; of more, pairs
    far below a cosine of 0.9 may be. Time grows as N^1.5.
    """
    count = len(base)
    if count < 2:
        return np.empty((0, 2), dtype=np.int64)
    number = 1 if count <= EXHAUSTIVE else 2 * int(np.sqrt(count))
    pivots = base[np.random.default_rng(SEED).choice(count, size=min(number, count), replace=False)].astype(np.float32)
    probes = min(CELLS, len(pivots))
    cells = _by_value(_nearest(base, pivots, probes).reshape(-1), len(pivots))
    codes = [np.empty(0, dtype=np.int64)]
    for vectors in queries:
        home = _by_value(_nearest(vectors, pivots, 1).reshape(-1), len(pivots))
        for asking, filed_here in zip(home, cells, strict=True):
            members = filed_here // probes
            for start in range(0, len(asking), BLOCK):
                block = asking[start : start + BLOCK]
                cosines = vectors[block].astype(np.float32) @ base[members].astype(np.float32).T
                codes.append(_close(cosines, block, members, cosine, count))
    pairs = np.unique(np.concatenate(codes))
    return np.stack(np.divmod(pairs, count), axis=1)


def _close(
    cosines: NDArray[np.float32], asking: NDArray[np.int64], members: NDArray[np.int64], least: float, count: int
) -> NDArray[np.int64]:
    """query * count + base of the pairs that are close enough, given their cosines (asking, members)."""
    row, column = np.nonzero(cosines >= least)
    others = asking[row] != members[column]
    row, column = row[others], column[others]
    order = np.lexsort((-cosines[row, column], row))
    row, column = row[order], column[order]
    rank = np.arange(len(row)) - np.searchsorted(row, row)  # among the neighbours of the same query
    nearest = rank < MOST
    pairs: NDArray[np.int64] = asking[row[nearest]] * count + members[column[nearest]]
    return pairs


def _nearest(vectors: NDArray[np.floating], pivots: NDArray[np.float32], number: int) -> NDArray[np.int64]:
    """The indices of each vector's nearest pivots: (n, number)."""
    nearest = np.empty((len(vectors), number), dtype=np.int64)
    for start in range(0, len(vectors), BLOCK):
        cosines = vectors[start : start + BLOCK].astype(np.float32) @ pivots.T
        nearest[start : start + BLOCK] = np.argpartition(cosines, -number, axis=1)[:, len(pivots) - number :]
    return nearest


def _by_value(values: NDArray[np.int64], number: int) -> list[NDArray[np.int64]]:
    """Where each of 0 .. number - 1 stands in `values`, ascending."""
    order = np.argsort(values, kind="stable")
    return np.split(order, np.searchsorted(values[order], np.arange(1, number)))
