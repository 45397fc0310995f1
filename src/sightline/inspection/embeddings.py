"""What a network finds alike: the training images nearest to an image, and a map of many images on a plane.

Both look at embeddings, what the output layer sees of an image (`Network.embed`). They are computed as for a frozen
training (`training/features.py`), whose cache knows them again by the pixels and the weights.
"""

import importlib
import importlib.util
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sightline.classifier.classifier import Classifier, Source
from sightline.config import require
from sightline.data.imageset import ArrayImages, ImageSet
from sightline.data.load import load_recorded
from sightline.data.randomness import drawn
from sightline.data.split import read_manifest
from sightline.errors import DataError, RunError
from sightline.machine.device import Precision, find_device, find_precision
from sightline.runs.run import Run
from sightline.training.features import extract

LARGEST_GALLERY = 20_000  # training images that are looked through
CHUNK = 4_096  # embeddings compared at once
COMPONENTS = 50  # of the principal component analysis before the map
# t-SNE's own 1,000 iterations take 12 s for 2,000 images on one thread and 400 take 4 to 5 s, with as good
# neighbourhoods: trustworthiness (10 neighbours) 0.973 against 0.976 on ten overlapping clusters in 256 dimensions.
ITERATIONS, PERPLEXITY = 400, 30.0
FEWEST = 4  # images that t-SNE or UMAP can place


@dataclass(frozen=True, kw_only=True, eq=False)
class Neighbour:
    """A training image and how alike it is to the one asked about.

    id, label: its name in the data set and its class there. similarity: cosine of the embeddings, -1 to 1; 1 is alike.
    image: uint8 (H, W, C), as large as its file or as the network sees it.
    """

    id: str
    label: str
    similarity: float
    image: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class EmbeddingMap:
    """Images on a plane, those that the network finds alike beside each other.

    points: float32 (N, 2), centred on 0, the largest coordinate 1 away from it. indices: int64 (N,), which image of the
    set each point is. method: how the map was made, as a sentence.
    """

    points: NDArray[np.float32]
    indices: NDArray[np.int64]
    method: str


def nearest(
    run: Run | str | os.PathLike[str],
    image: Source,
    k: int = 8,
    *,
    device: str = "auto",
    say: Callable[[str], object] = warnings.warn,
) -> tuple[Neighbour, ...]:
    """The `k` training images that look most alike to the network of `run`, the most alike first.

    image: a path, the bytes of an image file, or uint8 (H, W, 1 or 3); one that was trained on finds itself.
    say: gets a sentence when there are more than 20,000 training images: then as many, drawn at random, are looked at.

    The first call runs the network over the training images, later ones find the embeddings in the user's cache.
    Raises RunError when the training images are gone or are not what they were, ImageError when the image cannot be
    decoded, ConfigError.
    """
    require(k >= 1, f"k is {k}", "ask for 1 or more neighbours, e.g. 8")
    run = run if isinstance(run, Run) else Run(run)
    classifier = run.classifier
    preprocess, network = classifier.preprocess, classifier.network
    pixels = preprocess.pixels(image) if isinstance(image, np.ndarray) else preprocess.read(image)
    gallery = _training_images(run, say)
    place = find_device(device)
    # The precision is that of the training, whose features may be in the cache.
    settings = run.config.get("config")
    asked_for: Any = settings.get("precision", "auto") if isinstance(settings, dict) else "auto"
    precision = find_precision(asked_for, place)
    try:
        known = extract(network, gallery, preprocess, device=place, precision=precision).values
    except DataError as error:
        raise _not_at_hand(run, error) from error
    query = ImageSet(
        ArrayImages(torch.from_numpy(pixels)[None]), torch.zeros(1, dtype=torch.int64), gallery.classes, ("query",)
    )
    own = extract(network, query, preprocess, device=place, precision=precision, keep=False).values[0]
    similarities = _cosines(known, own)
    best = similarities.argsort(descending=True, stable=True)[:k].tolist()
    return tuple(
        Neighbour(
            id=gallery.ids[index],
            label=gallery.classes[int(gallery.labels[index])],
            similarity=float(similarities[index]),
            image=gallery.images.read(index),
        )
        for index in best
    )


def embedding_map(
    classifier: Classifier,
    images: ImageSet,
    limit: int = 2_000,
    *,
    how: Literal["auto", "tsne", "umap"] = "auto",
    keep: bool = True,
) -> EmbeddingMap:
    """A map of `images`, at most `limit` of them, drawn at random.

    how: "tsne", "umap" (of the package umap-learn), or "auto": UMAP where it is installed. Fewer than four images,
    which neither can place, go where their two principal components are. On one machine the same images give the same
    map. keep: use and fill the cache of embeddings.

    Raises ConfigError when UMAP is asked for and not there, DataError naming a file that cannot be read.
    """
    require(limit >= 1, f"limit is {limit}", "use 1 or more images, e.g. 2000")
    require(how in ("auto", "tsne", "umap"), f"how is '{how}'", "use tsne, umap or auto")
    indices = drawn(len(images), limit)
    features = extract(
        classifier.network,
        images.take(indices),
        classifier.preprocess,
        device=classifier.device,
        precision=Precision(classifier.precision, "the classifier's own"),
        keep=keep,
    )
    return map_of(features.values, indices, of=len(images), how=how)


def map_of(
    embeddings: Tensor, indices: Tensor, *, of: int, how: Literal["auto", "tsne", "umap"] = "auto"
) -> EmbeddingMap:
    """`embedding_map` of embeddings that are there: float32 (N, D), of the images at `indices` of a set of `of`.

    Raises ConfigError as it does.
    """
    installed = importlib.util.find_spec("umap") is not None
    require(installed or how != "umap", "umap is not installed", "pip install umap-learn, or leave `how` out")
    values = embeddings.numpy()
    count, width = values.shape
    components = min(COMPONENTS, width, count)
    place = _umap if how == "umap" or (how == "auto" and installed) else _tsne
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # scikit-learn's own

    with threadpool_limits(limits=1):  # sums that several threads make round differently each time
        reduced = _principal_components(values, components)
        points = place(reduced) if count >= FEWEST else np.pad(reduced, ((0, 0), (0, 2)))[:, :2]
    which = f"{count:,} of {of:,} images, drawn at random" if count < of else f"all {count:,} images"
    seen_by = f"the {width:,} numbers that the output layer sees"
    if count < FEWEST:
        method = f"The first two principal components of {seen_by}; {which}."
    else:
        name = "UMAP" if place is _umap else "t-SNE"
        method = (
            f"{name} of the first {components} principal components of {seen_by}; {which}. "
            "Near is alike to the network; how far apart distant groups are says little."
        )
    return EmbeddingMap(points=_centred(points), indices=indices.numpy(), method=method)


def _training_images(run: Run, say: Callable[[str], object]) -> ImageSet:
    """The images the run was trained on, at most `LARGEST_GALLERY` of them. Raises RunError."""
    config = run.config
    if not isinstance(data := config.get("data"), str):
        raise RunError("config.json names no data", where=str(run.config_path), hint="restore it from a copy")
    try:
        train = load_recorded(data, read_manifest(run.split_path)).train
    except DataError as error:
        raise _not_at_hand(run, error) from error
    if len(train) > LARGEST_GALLERY:
        say(f"of {len(train):,} training images {LARGEST_GALLERY:,}, drawn at random, were compared")
        train = train.take(drawn(len(train), LARGEST_GALLERY))
    return train


def _not_at_hand(run: Run, error: DataError) -> RunError:
    what = f"the images that {run.path} was trained on are not at hand: {error.what}"
    return RunError(what, where=error.where, hint=error.hint or "put the data back as it was")


def _cosines(known: Tensor, own: Tensor) -> Tensor:
    """The cosine of each row of (N, D) with (D,), float32 (N,), 0 for a vector of zeros; some rows at a time."""
    parts = [F.cosine_similarity(part, own[None], dim=1) for part in torch.split(known, CHUNK)]
    return torch.cat(parts).clamp(-1, 1)


def _principal_components(values: NDArray[np.float32], components: int) -> NDArray[np.float32]:
    """float32 (N, D) -> float32 (N, components), the directions of largest variance first."""
    from sklearn.decomposition import PCA

    if len(values) == 1:  # it has no directions
        return np.zeros((1, components), np.float32)
    return np.asarray(PCA(components, random_state=0).fit_transform(values), dtype=np.float32)


def _tsne(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 (N, D) -> (N, 2), N >= 4."""
    from sklearn.manifold import TSNE

    perplexity = min(PERPLEXITY, (len(values) - 1) / 3)
    spread = values[:, :2].std() > 0
    tsne = TSNE(
        perplexity=perplexity, max_iter=ITERATIONS, init="pca" if spread else "random", random_state=0, n_jobs=1
    )
    return np.asarray(tsne.fit_transform(values), dtype=np.float32)


def _umap(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 (N, D) -> (N, 2), N >= 4."""
    umap = importlib.import_module("umap")
    neighbours = min(15, len(values) - 1)
    points = umap.UMAP(n_neighbors=neighbours, random_state=0, n_jobs=1).fit_transform(values)
    return np.asarray(points, dtype=np.float32)


def _centred(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same map, its middle at 0 and the farthest coordinate at 1."""
    middle = (points.max(0) + points.min(0)) / 2
    moved = points - middle
    scale = float(np.abs(moved).max())
    centred: NDArray[np.float32] = moved / np.float32(scale) if scale else moved
    return centred
