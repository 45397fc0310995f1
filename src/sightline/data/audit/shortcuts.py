"""Can a fact that is not the subject of the image tell its class?

When all cats come from one camera, a network may learn the camera and score well on every test but the real one. A
small decision tree tries each fact alone, cross-validated; a fact with which it does clearly better than chance is a
shortcut that a network can take too (Geirhos et al. 2020, "Shortcut learning in deep neural networks").
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightline.data.audit.file_facts import FileFacts

SAMPLE = 4_000  # images; more would only sharpen what is clear already
FOLDS = 5
SURE = 3.0  # standard errors above chance; with seven facts, a false alarm in about a hundred data sets
CLEAR_LIFT = 0.1  # of the way from chance to certainty: less is not worth a sentence, however sure
ALL = "all of them"
FACTS_OF_THE_SUBJECT = ("mean colour", "border colour")  # lemons are yellow: these may well be honest


@dataclass(frozen=True)
class Shortcut:
    """How well one fact, or "all of them", tells the class on images that the tree was not grown on.

    accuracy: mean of the classes' recalls, 0 to 1; low, high: its interval of `SURE` standard errors; chance: 1 over
    the number of classes.
    """

    fact: str
    accuracy: float
    low: float
    high: float
    chance: float

    @property
    def lift(self) -> float:
        """Which part of the way from chance (0) to certainty (1) the fact goes."""
        return (self.accuracy - self.chance) / (1 - self.chance)

    @property
    def is_clear(self) -> bool:
        """Whether the fact is better than chance beyond doubt, and by enough to matter."""
        return self.low > self.chance and self.lift >= CLEAR_LIFT

    @property
    def is_strong(self) -> bool:
        """Whether a network could get far by this fact alone; colour, which may be the subject's, must tell more.

        Among clothing photos aspect ratio goes up to 0.3 of the way, honestly: trousers are long.
        """
        return self.is_clear and self.lift >= (0.6 if self.fact in FACTS_OF_THE_SUBJECT else 0.4)


def measure_shortcuts(
    facts: FileFacts, labels: NDArray[np.int64], *, groups: Sequence[str] = (), seed: int = 0
) -> tuple[Shortcut, ...]:
    """How well each fact that varies tells the class, strongest first; "all of them" last where there are several.

    labels: (N,). groups: images with the same group are tested together, so that knowing a group is no knowing a class.
    """
    rows = _sample(labels, seed)
    kinds = np.unique(labels[rows])
    if len(kinds) < 2 or np.bincount(labels[rows])[kinds].min() < 2:
        rows = rows[np.isin(labels[rows], kinds[np.bincount(labels[rows])[kinds] >= 2])]
        kinds = np.unique(labels[rows])
    if len(kinds) < 2:
        return ()
    folds = _folds(labels[rows], [groups[i] for i in rows] if groups else (), seed)
    tables = {fact: values[rows] for fact, values in _tables(facts).items()}
    tables = {fact: values for fact, values in tables.items() if (values != values[:1]).any()}
    shortcuts = [_measure(fact, values, labels[rows], folds, seed) for fact, values in tables.items()]
    shortcuts.sort(key=lambda shortcut: -shortcut.accuracy)
    if len(shortcuts) > 1:
        shortcuts.append(_measure(ALL, np.hstack(list(tables.values())), labels[rows], folds, seed))
    return tuple(shortcuts)


def _tables(facts: FileFacts) -> Mapping[str, NDArray[np.float64]]:
    """The columns (N, ...) that stand for each fact."""
    width, height = facts.width.astype(np.float64), facts.height.astype(np.float64)
    return {
        "file size": np.log1p(facts.file_bytes)[:, None],
        "resolution": np.log(np.maximum(width * height, 1))[:, None],
        "aspect ratio": np.log(np.maximum(width, 1) / np.maximum(height, 1))[:, None],
        "camera": facts.camera.astype(np.float64)[:, None],
        "border colour": facts.border_color.astype(np.float64),
        "mean colour": facts.mean_color.astype(np.float64),
    }


def _sample(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Indices of at most `SAMPLE` images, in random order."""
    return np.random.default_rng(seed).permutation(len(labels))[:SAMPLE]


def _folds(labels: NDArray[np.int64], groups: Sequence[str], seed: int) -> NDArray[np.int64]:
    """The fold of each image, (N,): whole groups, and of every class about as many in each."""
    names = [group or f"\0{index}" for index, group in enumerate(groups)] or [str(i) for i in range(len(labels))]
    first: dict[str, int] = {}
    for name, label in zip(names, labels.tolist(), strict=True):
        first.setdefault(name, label)
    dealt = sorted(first, key=first.__getitem__)  # by class; the images came in random order
    fold_of = {name: place % FOLDS for place, name in enumerate(dealt)}
    return np.array([fold_of[name] for name in names])


def _measure(
    fact: str, values: NDArray[np.float64], labels: NDArray[np.int64], folds: NDArray[np.int64], seed: int
) -> Shortcut:
    """How well these values (N, ...) tell the labels, each image judged by a tree grown on the other folds."""
    from sklearn.tree import DecisionTreeClassifier  # a second's work to import, and not always needed

    kinds, counts = np.unique(labels, return_counts=True)
    predicted = np.full(len(labels), -1)
    for fold in range(FOLDS):
        inside = folds == fold
        if not inside.any() or inside.all():
            continue
        tree = DecisionTreeClassifier(
            max_leaf_nodes=max(16, 3 * len(kinds)),
            min_samples_leaf=max(2, len(labels) // 400),
            class_weight="balanced",
            random_state=seed,
        )
        predicted[inside] = tree.fit(values[~inside], labels[~inside]).predict(values[inside])
    recalls = np.array([(predicted[labels == kind] == kind).mean() for kind in kinds])
    # Recalls of 0 and 1 would claim no variance at all: half an image is added to right and to wrong.
    steadied = (recalls * counts + 0.5) / (counts + 1)
    error = math.sqrt((steadied * (1 - steadied) / counts).sum()) / len(kinds)
    accuracy = float(recalls.mean())
    return Shortcut(
        fact, accuracy, max(0.0, accuracy - SURE * error), min(1.0, accuracy + SURE * error), 1 / len(kinds)
    )
