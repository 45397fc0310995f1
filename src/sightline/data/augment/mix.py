"""Mix the images of a batch with each other, and their labels in the same proportion: MixUp and CutMix."""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from sightline.config import AugmentConfig
from sightline.data.randomness import global_generator_from
from sightline.machine.late_compiler import late_compiler


def mix(
    images: Tensor, labels: Tensor, num_classes: int, config: AugmentConfig, *, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Mixed images and soft labels: float (B, C, H, W) and int64 (B,) -> float (B, C, H, W) and float32 (B, K).

    MixUp (arXiv 1710.09412) blends whole images, CutMix (arXiv 1905.04899) pastes a rectangle of one into the other;
    both pair each image with its neighbour in the batch, and one proportion, drawn from Beta(a, a) with a
    `config.mixup` or `config.cutmix`, holds for the batch. With both on, each batch gets one of the two, at even odds.
    With both off the images come back as they are and the labels one-hot.
    """
    kinds = [kind for kind, alpha in (("mixup", config.mixup), ("cutmix", config.cutmix)) if alpha > 0]
    if not kinds:
        return images, F.one_hot(labels, num_classes).float()
    with late_compiler():
        from torchvision.transforms import v2  # imported late: it takes a while and most trainings do not mix

    with global_generator_from(generator):
        kind = kinds[int(torch.randint(len(kinds), ()))]
        if kind == "mixup":
            transform = v2.MixUp(alpha=float(config.mixup), num_classes=num_classes)
        else:
            transform = v2.CutMix(alpha=float(config.cutmix), num_classes=num_classes)
        mixed, soft = transform(images, labels)
    return mixed, soft
