"""Which images are copies of each other: byte for byte, or re-encoded, resized, mirrored or slightly cropped.

Copies that differ in bytes are told by the cosine of two descriptors: coefficients of the thumbnails' cosine transform,
weighted by frequency. Amplitudes in photos fall as 1 / frequency (Field, 1987, "Relations between the statistics of
natural images"), so the weights make all of them count alike: photos of two trousers before the same wall share the
coarse coefficients only. Crops are found because each thumbnail is also compared as it looks with 5 % cut off.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sightline.data.audit.fingerprint import SIDE, Prints, chroma, luma
from sightline.data.audit.neighbours import neighbours
from sightline.data.imageset import ImageSet

Window = tuple[tuple[float, float], tuple[float, float]]  # shares cut off above and below, left and right

FREQUENCIES = 10  # of each axis; the highest of a thumbnail's 20 are those that a shift by part of a pixel changes most
CROP = 0.05  # of the width and of the height
CUTS = ((0.0, 0.0), (CROP, 0.0), (0.0, CROP), (CROP / 2, CROP / 2), (CROP, CROP))  # at the two ends of an axis
WINDOWS = tuple(itertools.product(CUTS, CUTS))
COARSE_WINDOWS = (*itertools.product(CUTS[1:3], CUTS[1:3]), *((cut, cut) for cut in (CUTS[0], *CUTS[3:])))

# Cosines: see bench/duplicates.py for what they find and what they mistake for copies.
CANDIDATE, CONFIRMED = 0.88, 0.96
# Of an image that more than 5 others resemble, as many digits 1 do each other, a copy must be all but the same.
CROWD, CONFIRMED_IN_A_CROWD = 5, 0.998
MOST_BRIGHTNESS, MOST_COLOUR = 25.0, 6.0  # levels by which mean luma and mean chroma of copies may differ
LEAST_DETAIL = 3.0  # levels, standard deviation of a thumbnail's luma; flatter ones look alike whatever they show
CHUNK = 2_048  # pairs compared at a time


@dataclass(frozen=True)
class DuplicateGroup:
    """Copies of one image. indices: ascending. kind: "exact" when all have the same bytes, otherwise "near"."""

    indices: tuple[int, ...]
    kind: Literal["exact", "near"]


def find_duplicates(prints: Prints, *, exact_only: bool = False) -> tuple[DuplicateGroup, ...]:
    """Groups of copies among N images, by their first index; an image is in one group at most.

    A copy of a copy is a copy: groups are closed over pairs. Images almost without detail (a clear sky, a blank page)
    are found as exact copies only. exact_only: only those whose bytes are equal. Time grows as N^1.5, memory as N.
    """
    _, first, content = np.unique(_as_scalars(prints.content), return_index=True, return_inverse=True)
    # Byte-equal images are looked at once: a thousand copies would be half a million pairs.
    detailed = first[_detail(prints.perceptual)[first] >= LEAST_DETAIL]
    if exact_only:
        detailed = detailed[:0]
    near = _near_pairs(prints.perceptual[detailed])
    exact = np.stack([np.arange(len(prints)), first[content]], axis=1)
    copies = _connected(len(prints), np.concatenate([exact, detailed[near]]))
    return tuple(
        DuplicateGroup(tuple(members.tolist()), "exact" if (content[members] == content[members[0]]).all() else "near")
        for members in copies
        if len(members) > 1
    )


def bind(groups: Sequence[DuplicateGroup], image_set: ImageSet) -> tuple[str, ...]:
    """A group name for every image, such that copies and the images of one of the set's own groups share theirs.

    Merged groups have the name of the first of their images that has one; copies without are named after the first of
    them; an image that is bound to no other keeps its own name or "". What `ImageSet.groups` takes: () when all are "".
    """
    own = image_set.groups or ("",) * len(image_set)
    firsts: dict[str, int] = {}
    pairs = [(index, firsts.setdefault(name, index)) for index, name in enumerate(own) if name]
    pairs += [(index, group.indices[0]) for group in groups for index in group.indices]
    names = list(own)
    for members in _connected(len(own), np.array(pairs, dtype=np.int64).reshape(-1, 2)):
        if len(members) > 1:
            name = next((own[i] for i in members if own[i]), f"copies of {image_set.ids[members[0]]}")
            for index in members:
                names[index] = name
    return tuple(names) if any(names) else ()


def _near_pairs(perceptual: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Pairs of near-duplicates among prints (N, 450): int64 (P, 2)."""
    base = _described(perceptual, WINDOWS[0], mirrored=False)
    pairs = [np.empty((0, 2), dtype=np.int64)]
    for mirrored in (False, True):
        queries = (_described(perceptual, window, mirrored=mirrored) for window in COARSE_WINDOWS)
        candidates = neighbours(base, queries, CANDIDATE)
        # Most pairs are found both ways, each image seen through the windows of the other.
        crowded = np.bincount(candidates.reshape(-1), minlength=len(base)) > 2 * CROWD
        pairs += _confirmed(perceptual, base, candidates, mirrored, np.where(crowded, CONFIRMED_IN_A_CROWD, CONFIRMED))
    return np.concatenate(pairs)


def _confirmed(
    perceptual: NDArray[np.uint8],
    base: NDArray[np.float16],
    candidates: NDArray[np.int64],
    mirrored: bool,
    least: NDArray[np.float64],
) -> Iterator[NDArray[np.int64]]:
    """The candidates (P, 2) whose first image, mirrored or not, looks like the second through one of the windows.

    base: the descriptors (N, 99). least: the cosine that each of the N images asks of its copies.
    """
    for start in range(0, len(candidates), CHUNK):
        pairs = candidates[start : start + CHUNK]
        whole, part = perceptual[pairs[:, 0]], pairs[:, 1]
        turn = slice(None, None, -1 if mirrored else 1)
        views = _descriptors(luma(whole)[:, :, turn], WINDOWS)
        cosine = np.einsum("nwd,nd->nw", views, base[part]).max(axis=1)
        brightness = luma(whole).mean(axis=(1, 2)) - luma(perceptual[part]).mean(axis=(1, 2))
        colour = np.abs(chroma(whole)[..., turn] - chroma(perceptual[part])).mean(axis=(1, 2, 3))
        alike = (np.abs(brightness) <= MOST_BRIGHTNESS) & (colour <= MOST_COLOUR)
        yield pairs[(cosine >= least[pairs].min(axis=1)) & alike]


def _described(perceptual: NDArray[np.uint8], window: Window, *, mirrored: bool) -> NDArray[np.float16]:
    """The descriptors of all prints (N, 450) through one window: (N, 99).

    float16, and made in chunks: of 100,000 images they take 20 MB, and change no cosine by more than 0.0005.
    """
    described = np.empty((len(perceptual), FREQUENCIES**2 - 1), dtype=np.float16)
    for start in range(0, len(perceptual), CHUNK):
        thumbnails = luma(perceptual[start : start + CHUNK])[:, :, :: -1 if mirrored else 1]
        described[start : start + CHUNK] = _descriptors(thumbnails, (window,))[:, 0]
    return described


def _detail(perceptual: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Standard deviation of each thumbnail's luma, in levels: (N, 450) -> (N,)."""
    chunks = (perceptual[start : start + CHUNK] for start in range(0, len(perceptual), CHUNK))
    return np.concatenate([np.empty(0, dtype=np.float32), *(luma(chunk).std(axis=(1, 2)) for chunk in chunks)])


def _descriptors(thumbnails: NDArray[np.float32], windows: Sequence[Window]) -> NDArray[np.float32]:
    """Unit vectors that tell thumbnails (n, 20, 20) apart, as seen through each window: (n, W, 99)."""
    frequency = np.arange(FREQUENCIES, dtype=np.float32)
    weights = np.sqrt(frequency[:, None] ** 2 + frequency**2)
    views = [weights * (_transform(rows) @ thumbnails @ _transform(columns).T) for rows, columns in windows]
    # The mean has no weight, so brightness plays no part.
    return _unit(np.stack(views, axis=1).reshape(len(thumbnails), len(windows), FREQUENCIES**2)[:, :, 1:])


@cache
def _transform(cut: tuple[float, float]) -> NDArray[np.float32]:
    """The cosine transform of one axis after cutting off its two ends by these shares: (10, 20)."""
    before, after = cut
    places = np.arange(SIDE) + 0.5
    # What is left is stretched to the whole length again, by linear interpolation.
    source = (SIDE * before + places * (1 - before - after) - 0.5).clip(0, SIDE - 1)
    stretch = np.maximum(1 - np.abs(source[:, None] - np.arange(SIDE)), 0)
    cosines = np.cos(np.pi * np.arange(FREQUENCIES)[:, None] * places / SIDE) * np.sqrt(2 / SIDE)
    cosines[0] /= np.sqrt(2)
    transform: NDArray[np.float32] = (cosines @ stretch).astype(np.float32)
    return transform


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: NDArray[np.float32] = vectors / np.maximum(length, np.finfo(np.float32).tiny)
    return unit


def _as_scalars(rows: NDArray[np.uint8]) -> NDArray[np.void]:
    """Rows of bytes (N, 16) as one value each, which compare and sort as wholes."""
    return np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1]))).reshape(-1)


def _connected(count: int, pairs: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The sets into which pairs (P, 2) tie `count` items together, by their smallest item; each ascending."""
    edges = coo_array((np.ones(len(pairs), dtype=np.bool_), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, labels = connected_components(edges, directed=False)
    order = np.argsort(labels, kind="stable")
    sets = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    return sorted((members for members in sets if len(members)), key=lambda members: int(members[0]))
