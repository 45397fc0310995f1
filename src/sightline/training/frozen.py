"""The first stage of transfer learning: the pretrained network stays as it is, and a new head learns what it says."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from sightline.config import TrainConfig, Transfer
from sightline.data.imageset import ImageSet, Splits
from sightline.evaluation.intervals import wilson_interval
from sightline.machine.device import find_device, find_precision
from sightline.models.contract import Network
from sightline.pixels.preprocess import Preprocess
from sightline.training.features import Features, extract, views_within
from sightline.training.head import HeadFit, fit_head, put_head
from sightline.training.losses import balanced_weights

MOST_VIEWS = 4  # varied views of each training image
VIEWS_SHARE = 0.5  # of the time that is left, for computing them


@dataclass(frozen=True)
class FrozenStage:
    """What the first stage came to.

    head: the trained head, with its score on training images left out in turn. views: varied views of each training
    image that it learnt from besides the plain one. correct, total: of the validation images, by a head that has not
    learnt from them; both 0 without any. computed: images, views counted, that went through the network; the features
    of the others were known. seconds: of the whole stage. network_seconds: of them, for computing features.
    labels: int64 (N,), of the images that the head learnt from, in the order of `head.left_out`.
    """

    head: HeadFit
    labels: Tensor
    correct: int
    total: int
    views: int
    computed: int
    seconds: float
    network_seconds: float

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % Wilson interval of the validation accuracy, in [0, 1]."""
        return wilson_interval(self.correct, self.total) if self.total else None


def train_frozen(
    network: Network,
    splits: Splits,
    config: TrainConfig,
    transfer: Transfer,
    *,
    preprocess: Preprocess,
    last: bool = False,
    seconds: float | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> FrozenStage:
    """Give the network a head trained on its own features, which are computed once for every image.

    last: no other stage follows. Validation then decides nothing: once it has judged the head, a new one learns from
    its images, too.
    seconds: that may be spent; with some to spare, varied views of the training images are computed as well, and
    learnt from when left-out images are then recognised better.
    progress: told (images done, of how many) now and then. Raises DataError for a file that cannot be read any more,
    TrainingError when memory is too small for one image.
    """
    started = time.perf_counter()
    device = find_device(config.device)
    precision = find_precision(config.precision, device)

    def features(images: ImageSet, view: int = 0) -> Features:
        return extract(
            network,
            images,
            preprocess,
            device=device,
            precision=precision,
            view=view,
            variation=config.augment,
            seed=config.seed,
            progress=progress,
        )

    def fitted(views: Sequence[Features], groups: tuple[str, ...]) -> HeadFit:
        labels, num_classes = views[0].labels, len(splits.classes)
        # In a convex problem, drawing every class equally often is the same as weighing its losses so.
        balanced = "balanced" in (config.class_weights, config.sampling)
        return fit_head(
            [view.values for view in views],
            labels,
            num_classes,
            kind=transfer.head,
            groups=groups,
            class_weights=balanced_weights(labels, num_classes) if balanced else None,
            seed=config.seed,
        )

    held_out = features(splits.val) if splits.val else None
    views = [features(splits.train)]
    passes = [*views, *([held_out] if held_out else [])]
    head = fitted(views, splits.train.groups)
    if seconds is not None:
        seconds_left = seconds - (time.perf_counter() - started)
        more = views_within(VIEWS_SHARE * seconds_left, views[0], at_most=MOST_VIEWS)
        varied = [features(splits.train, view) for view in range(1, 1 + more)]
        passes += varied
        other = fitted([*views, *varied], splits.train.groups) if varied else head
        if other.loss < head.loss:  # left-out images say whether the views help; on few photos they often do not
            head, views = other, [*views, *varied]
    put_head(network, head)
    correct = _correct(network, held_out, device) if held_out else 0
    labels = views[0].labels
    if last and splits.val and held_out:
        others = [held_out, *(features(splits.val, view) for view in range(1, len(views)))]
        passes += others[1:]
        head = fitted(list(map(_joined, views, others)), _groups(splits.train) + _groups(splits.val))
        labels = torch.cat([labels, held_out.labels])
        put_head(network, head)
    return FrozenStage(
        head=head,
        labels=labels,
        correct=correct,
        total=len(held_out) if held_out else 0,
        views=len(views) - 1,
        computed=sum(part.computed for part in passes),
        seconds=time.perf_counter() - started,
        network_seconds=sum(part.seconds for part in passes),
    )


def _joined(first: Features, second: Features) -> Features:
    """The features of two sets, one after the other."""
    return Features(
        torch.cat([first.values, second.values]),
        torch.cat([first.labels, second.labels]),
        first.computed + second.computed,
        first.seconds + second.seconds,
    )


def _groups(image_set: ImageSet) -> tuple[str, ...]:
    """The group of every image; "" where it is not known."""
    return image_set.groups or ("",) * len(image_set)


@torch.inference_mode()
def _correct(network: Network, features: Features, device: torch.device) -> int:
    """How many images the output layer names right from their features."""
    output = network.head.get_submodule("output").eval()
    logits: Tensor = output(features.values.to(next(output.parameters()).device))
    return int((logits.argmax(1).cpu() == features.labels).sum())
