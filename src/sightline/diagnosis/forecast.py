"""How would the result grow with more images? Linear heads, trained again on parts of the images, tell it in seconds.

A learning curve is measured for all classes together, and for each class alone, the others staying as they are. A power
law, recall = a - b / images ** c, takes it beyond what was measured (J. Hestness et al., "Deep learning scaling is
predictable, empirically", arXiv 1712.00409).

What is forecast is the growth of the last layer on the features as they are. A network that is trained on the new
images as well may gain more.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from sightline.diagnosis.learning_curves import LearningCurve, Study, alone, in_every_part, principal, together
from sightline.errors import DataError
from sightline.evaluation.intervals import Estimate, wilson_interval
from sightline.training.head import fit_head, left_out_folds

MOST_IMAGES = 5_000  # learnt from at most, and as many answered
MANY_IMAGES = 1_500  # from so many on there are enough answers in two folds
MOST_CLASSES = 20  # forecast one by one at most; more are only forecast all together
CHOOSING = 2_000  # images by which the strength of the penalty is chosen
FEWEST = 8  # images of a class, below which there is no curve
MORE, MORE_SHARE = 50, 0.5  # images that are asked about: so many, or this share of a large class
EXPONENTS = (0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, kw_only=True)
class ClassForecast:
    """What more images of one class would do to its recall, which is in [0, 1].

    images_now: of the class, to learn from. recall_now: of images that were left out, at that number by the curve.
    gain: of the recall, with `more_images` more; its bootstrap interval may begin below 0.
    """

    name: str
    images_now: int
    recall_now: float
    more_images: int
    gain: Estimate

    @property
    def is_measurable(self) -> bool:
        return _is_measurable(self.gain)

    @property
    def sentence(self) -> str:
        return f"{self.more_images:,} more images of '{self.name}' are worth {_worth(self.gain)}."


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """How accuracy grows with images.

    points: what was measured, (images learnt from, accuracy on images left out), fewest first. more_images: the number
    of images that was asked about, of all classes together; gain: of the accuracy, by them; accuracy: what they would
    lead to. classes: one by one, the largest gain first; without those that have too few images, and empty where there
    are too many classes to go through.
    """

    points: tuple[tuple[int, Estimate], ...]
    images_now: int
    more_images: int
    gain: Estimate
    accuracy: Estimate
    classes: tuple[ClassForecast, ...]

    @property
    def overall(self) -> str:
        """What more images of all classes together are worth, as a clause."""
        # The accuracy they lead to is not said: heads on features have another one than the network with its views.
        total = self.images_now + self.more_images
        return f"{self.more_images:,} more images like these, {total:,} in all, are worth {_worth(self.gain)}"

    @property
    def sentence(self) -> str:
        """What to collect, and what not."""
        overall = f"{self.overall}."
        gains = [one for one in self.classes if one.is_measurable][:3]
        rest = [one for one in self.classes if not one.is_measurable]
        if not gains:
            return f"{overall} More of one class alone bring nothing that can be measured." if rest else overall
        first = f"{gains[0].more_images:,} more images of '{gains[0].name}' are worth {_worth(gains[0].gain)}"
        others = [f"{one.more_images:,} of '{one.name}' {_worth(one.gain)}" for one in gains[1:]]
        others += [f"of '{rest[-1].name}' nothing that can be measured"] if rest else []
        return f"{overall} {'; '.join([first, *others])}."

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain JSON types."""
        return {
            "sentence": self.sentence,
            "points": [{"images": images, "accuracy": accuracy.to_json()} for images, accuracy in self.points],
            "images_now": self.images_now,
            "more_images": self.more_images,
            "gain": self.gain.to_json(),
            "accuracy": self.accuracy.to_json(),
            "classes": [
                {
                    "name": one.name,
                    "images_now": one.images_now,
                    "recall_now": one.recall_now,
                    "more_images": one.more_images,
                    "gain": one.gain.to_json(),
                    "sentence": one.sentence,
                }
                for one in self.classes
            ],
        }


def forecast(
    features: Tensor,
    labels: Tensor,
    classes: Sequence[str],
    *,
    held_out: tuple[Tensor, Tensor] | None = None,
    learnt: bool = False,
    groups: tuple[str, ...] = (),
    counts: Sequence[int] | None = None,
    l2: float | None = None,
    growth: float | None = None,
    seed: int = 0,
) -> Forecast:
    """What more images would bring, by heads on the features of the training images: float32 (N, D), labels int64 (N,).

    held_out: features and labels of images that nothing has learnt from, e.g. the test split: they are answered, too.
    learnt: the network that computed the features has itself learnt from the training images; only `held_out` is then
    answered, as on its own training images a network flatters itself. groups: images with the same one are left out
    together. counts: how many images of each class there are to learn from, where these are a sample of them; more is
    meant beyond all. l2: the strength of the heads' penalty, as `HeadFit.setting` has it; by default it is chosen.
    growth: how many more images are asked about, as a share of those there are: 1 is twice as many. By default 50 of
    each class, or half as many again where that is more.

    Of large sets 5,000 images are taken. Raises DataError for a single class, for too few images, and for `learnt`
    without images held out.
    """
    labels = labels.long()
    sampled = np.bincount(labels.numpy(), minlength=len(classes))
    _require(sampled, classes, learnt and held_out is None)
    there = sampled if counts is None else np.array(counts)
    generator = Generator().manual_seed(seed)
    chosen = torch.randperm(len(labels), generator=generator)[:MOST_IMAGES].sort().values
    known = tuple(groups[i] for i in chosen.tolist()) if groups else ()
    if l2 is None:
        few = chosen[torch.randperm(len(chosen), generator=generator)[:CHOOSING]]
        l2 = fit_head(features[few], labels[few], len(classes), seed=seed).setting * len(few) / len(labels)
    some, answered = [features[chosen]], labels[chosen]
    test = torch.empty(0, dtype=torch.int64)
    if held_out is not None:
        sample = torch.randperm(len(held_out[1]), generator=generator)[:MOST_IMAGES].sort().values
        some, test = [*some, held_out[0][sample]], held_out[1][sample].long()
    inputs = principal(some, generator)
    folds = left_out_folds(answered, known, seed)[: 2 if len(chosen) > MANY_IMAGES else None]
    study = Study(
        inputs=inputs[0],
        labels=answered,
        others=torch.cat(inputs[1:]) if inputs[1:] else inputs[0][:0],
        other_labels=test,
        folds=folds,
        learnt=learnt,
        num_classes=len(classes),
        l2=l2 * len(labels) / len(chosen),
        generator=generator,
    )
    return _forecast(study, there, classes, growth, np.random.default_rng(seed))


def _forecast(
    study: Study,
    counts: NDArray[np.int64],
    classes: Sequence[str],
    growth: float | None,
    rng: np.random.Generator,
) -> Forecast:
    places, members = study.order(), (~study.folds).float()
    everything = study.right(members, study.l2)
    overall = together(study, places, members, everything)
    now, more = int(counts.sum()), _more_images(int(counts.sum()), len(classes), growth)
    _, then, overall_gain = _extrapolated(overall, now, now + more, rng)
    points = tuple(
        (round(images), Estimate(value, *wilson_interval(value * total, total), "wilson"))
        for images, value, total in zip(
            overall.images,
            np.nanmean(overall.right, axis=(1, 2)).tolist(),
            (~np.isnan(overall.right)).any(axis=1).sum(axis=1).tolist(),
            strict=True,
        )
    )
    enough = [
        i
        for i, count in enumerate(counts)
        if count >= FEWEST and study.answers(i) >= FEWEST and in_every_part(study, places, members, i)
    ]
    names = enough if len(classes) <= MOST_CLASSES else []
    forecasts = []
    for name, curve in zip(names, alone(study, places, members, everything, names), strict=True):
        images = int(counts[name])
        more_images = _more_images(images, 1, growth)
        recall, _, gain = _extrapolated(curve, images, images + more_images, rng)
        forecasts.append(
            ClassForecast(
                name=classes[name], images_now=images, recall_now=recall.value, more_images=more_images, gain=gain
            )
        )
    forecasts.sort(key=lambda one: -one.gain.value)
    return Forecast(
        points=points, images_now=now, more_images=more, gain=overall_gain, accuracy=then, classes=tuple(forecasts)
    )


def _extrapolated(
    curve: LearningCurve, now: int, then: int, rng: np.random.Generator
) -> tuple[Estimate, Estimate, Estimate]:
    """The share that is right with `now` and with `then` images, and the gain between them."""
    means = curve.means(rng)  # (1 + R, L)
    exponents = np.array(EXPONENTS)
    powers = curve.images ** -exponents[:, None]  # (E, L)
    centred = powers - powers.mean(axis=1, keepdims=True)
    # Least squares: recall = a - b * power, for every replicate and exponent.
    slopes = means @ (centred / (centred**2).sum(axis=1, keepdims=True)).T  # (1 + R, E): -b
    levels = means.mean(axis=1, keepdims=True) - slopes * powers.mean(axis=1)  # a
    at_now, at_then = (np.minimum(1, levels + slopes * float(images) ** -exponents) for images in (now, then))
    gains = at_then - at_now
    return _estimate(at_now), _estimate(at_then), _estimate(gains)


def _estimate(values: NDArray[np.float64]) -> Estimate:
    """From (1 + R, E): the mean over exponents of what was measured, and the middle 95 % of all replicates of all.

    Three points do not tell the exponent: that it is unknown is part of the interval.
    """
    low, high = np.quantile(values[1:], (0.025, 0.975))
    return Estimate(float(values[0].mean()), float(low), float(high), "bootstrap")


def _more_images(images: int, num_classes: int, growth: float | None) -> int:
    """How many more images to ask about; by default to two digits."""
    if growth is not None:
        return max(1, round(growth * images))
    more = max(MORE * num_classes, round(MORE_SHARE * images))
    scale: int = 10 ** max(0, len(str(more)) - 2)
    return math.ceil(more / scale) * scale


def _is_measurable(gain: Estimate) -> bool:
    """Whether its interval is above 0."""
    return gain.low > 0


def _worth(gain: Estimate) -> str:
    """A gain in words, of accuracy or of a class's recall."""
    if not _is_measurable(gain):
        return "nothing that can be measured"
    low, high = (round(100 * end) for end in (gain.low, gain.high))
    return f"about {_points(gain.value)} ({low} to {high})"


def _points(share: float) -> str:
    points = round(100 * share)
    return "1 point" if points == 1 else f"{points} points" if points else "less than 1 point"


def _require(counts: NDArray[np.int64], classes: Sequence[str], nothing_held_out: bool) -> None:
    """Raise DataError where there is no curve to be measured."""
    present = np.flatnonzero(counts)
    if len(present) < 2:
        what = f"every image is of class '{classes[present[0]]}'" if len(present) else "there is no image"
        raise DataError(what, hint="a forecast needs images of two classes or more")
    if counts.max() < FEWEST:
        raise DataError(
            f"no class has more than {counts.max()} images",
            hint=f"a forecast needs {FEWEST} or more of at least one class",
        )
    if nothing_held_out:
        raise DataError(
            "the network has learnt from all of these images", hint="give images held out from it, e.g. the test split"
        )
