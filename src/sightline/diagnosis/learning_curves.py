"""Learning curves: how well linear heads answer that have learnt from parts of the images, in seconds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from sightline.training.head import centre_and_scale, fit_linear

PARTS = (0.25, 0.5, 1.0)  # of the images that are learnt from: each doubling brings as many again
MOST_FEATURES = 256  # principal components
REPLICATES = 1_000


@dataclass(frozen=True, eq=False)
class Study:
    """What the refits learn from and answer. inputs, others: float32 (n, d) and (m, d). folds: bool (F, n)."""

    inputs: Tensor
    labels: Tensor
    others: Tensor
    other_labels: Tensor
    folds: Tensor
    learnt: bool
    num_classes: int
    l2: float
    generator: Generator

    def answers(self, name: int) -> int:
        """How many images of a class are answered."""
        own = 0 if self.learnt else int((self.folds.any(0) & (self.labels == name)).sum())
        return own + int((self.other_labels == name).sum())

    def order(self) -> Tensor:
        """Of each image its place among those of its class, in each fold drawn anew: 0 to 1, (F, n).

        The images below a place are a part of their class, and each part holds the smaller ones.
        """
        places = torch.ones(self.folds.shape)
        for fold, row in zip(~self.folds, places, strict=True):
            for name in range(self.num_classes):
                rows = (fold & (self.labels == name)).nonzero()[:, 0]
                shuffled = rows[torch.randperm(len(rows), generator=self.generator)]
                row[shuffled] = torch.arange(len(rows)) / max(1, len(rows))
        return places

    def right(self, weights: Tensor, l2: float) -> Tensor:
        """Which images heads with these weights, (F, n), name right: 1, 0, or NaN where they may not say, (F, n + m).

        A head answers what its fold leaves out, and all that was held out.
        """
        layers, biases = fit_linear(self.inputs, self.labels, self.num_classes, weights=weights, l2=l2)
        truth = torch.cat([self.labels, self.other_labels])
        everything = torch.cat([self.inputs, self.others])
        answers = torch.stack([(everything @ w.T + b).argmax(1) for w, b in zip(layers, biases, strict=True)])
        right = (answers == truth).float()
        hidden = torch.ones_like(self.folds) if self.learnt else ~self.folds
        right[:, : len(self.labels)][hidden.repeat(len(weights) // len(self.folds), 1)] = torch.nan
        return right


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """right: (L, F, M) as `Study.right`, for parts of more and more images. images: float64 (L,), learnt from."""

    images: NDArray[np.float64]
    right: NDArray[np.float64]

    def means(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """The share that is right at each number of images, as measured and in every replicate: (1 + R, L).

        Replicates draw folds and images with replacement: another choice of what to learn from, and of what to answer.
        Folds learn from much the same images, so that they differ less than other images would: fewer are drawn, as
        many as make the variance 1 / F + 1 / 4 instead of 1 / F (C. Nadeau and Y. Bengio, "Inference for the
        generalization error", Machine Learning 52, 2003; a quarter as many images are left out as are learnt from).
        """
        folds, images = self.right.shape[1:]
        of_folds = rng.multinomial(round(1 / (1 / folds + 1 / 4)), np.full(folds, 1 / folds), REPLICATES)
        of_images = rng.multinomial(images, np.full(images, 1 / images), REPLICATES)
        of_folds = np.vstack([np.ones(folds), of_folds])  # (1 + R, F)
        of_images = np.vstack([np.ones(images), of_images])  # (1 + R, M)
        answered = ~np.isnan(self.right[0])  # (F, M): the same for every part
        counted = ((of_images @ answered.T) * of_folds).sum(axis=1)
        sums = np.stack([((of_images @ part.T) * of_folds).sum(axis=1) for part in np.nan_to_num(self.right)], axis=1)
        shares: NDArray[np.float64] = sums / np.maximum(counted, 1)[:, None]
        return shares


def together(study: Study, places: Tensor, members: Tensor, everything: Tensor) -> LearningCurve:
    """All classes with fewer images."""
    parts = [members * (places < part) for part in PARTS[:-1]]
    right = [study.right(weights, study.l2 / part) for weights, part in zip(parts, PARTS[:-1], strict=True)]
    return LearningCurve(
        images=np.array([float(weights.sum(1).mean()) for weights in (*parts, members)]),
        right=torch.stack([*right, everything]).double().numpy(),
    )


def in_every_part(study: Study, places: Tensor, members: Tensor, name: int) -> bool:
    """Whether the smallest part of every fold has an image of this class: without one there is nothing to weigh."""
    fewest = members * (study.labels == name) * (places < PARTS[0])
    return bool((fewest.sum(1) >= 1).all())


def alone(
    study: Study, places: Tensor, members: Tensor, everything: Tensor, names: Sequence[int]
) -> list[LearningCurve]:
    """One class with fewer images, the others staying as they are, for each of the classes.

    The images that are left of it weigh as much as all did: a class that is rare would be named rarely, whatever is
    known of it, and that is nothing more images have to teach.
    """
    weights, images = [], []
    for name in names:
        own = study.labels == name
        whole = (members * own).sum(1, keepdim=True)
        for part in PARTS[:-1]:
            fewer = members * own * (places < part)
            weights.append(members * ~own + fewer * whole / fewer.sum(1, keepdim=True))
            images.append(float(fewer.sum(1).mean()))
        images.append(float(whole.mean()))
    if not names:
        return []
    right = study.right(torch.cat(weights), study.l2).view(len(names), len(PARTS) - 1, *everything.shape)
    truth = torch.cat([study.labels, study.other_labels])
    return [
        LearningCurve(
            images=np.array(images).reshape(len(names), -1)[place],
            right=torch.cat([right[place], everything[None]])[:, :, truth == name].double().numpy(),
        )
        for place, name in enumerate(names)
    ]


def principal(parts: Sequence[Tensor], generator: Generator) -> list[Tensor]:
    """Features scaled as heads scale them, by the first part, and turned to its principal components, at most 256.

    Heads on so few say nearly the same and train in a fraction of the time. The components come from a random
    projection (N. Halko, P.-G. Martinsson and J. A. Tropp, SIAM Review 53, 2011, algorithm 4.4).
    """
    mean, scale = centre_and_scale(parts[:1])
    scaled = [(part - mean) / scale for part in parts]
    first, width = scaled[0], scaled[0].shape[1]
    if width <= MOST_FEATURES:
        return scaled
    basis = torch.randn(width, MOST_FEATURES, generator=generator)
    for _ in range(2):
        basis = torch.linalg.qr(first.T @ (first @ basis)).Q
    return [part @ basis for part in scaled]
