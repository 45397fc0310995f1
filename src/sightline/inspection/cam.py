"""Class activation maps: which places of the last feature maps speak for a class.

Grad-CAM: Selvaraju et al. 2017, arXiv 1610.02391, section 3. Grad-CAM++: Chattopadhyay et al. 2018, arXiv 1710.11063,
section 3, whose weights are those of an exponential of the score: its second and third derivatives are powers of the
gradient (equation 19).
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sightline.classifier.classifier import Classifier
from sightline.errors import ConfigError, DataError, ModelError
from sightline.inspection.capture import output_of, undisturbed, watched
from sightline.inspection.layers import LayerName, as_maps, find_layer, last_maps
from sightline.inspection.subject import Image, Subject, Target
from sightline.machine.memory import in_chunks
from sightline.models.contract import Network

CHUNK_PIXELS = 32 * 224 * 224  # of all images that go through at once: enough for a gallery, small beside the memory

# Feature maps and the gradients of the score with respect to them, both (B, C, h, w) -> the sum (B, h, w)
Weighing = Callable[[Tensor, Tensor], Tensor]


def grad_cam(
    net: Classifier | Network,
    image: Image,
    target: Target = None,
    layer: LayerName | None = None,
    relu: bool = True,
) -> NDArray[np.float32]:
    """What speaks for a class, and where: float32 (H, W) at the size of the network's input, in [0, 1].

    target: a class by name or index; None is the predicted class. The score is its logit.
    layer: whose feature maps are weighed; by default the last ones before the head that are larger than 1 x 1.
    relu: keep only what speaks for the class, as in the paper; without, also what speaks against it, in [-1, 1].

    Departures from the paper: the map is enlarged bilinearly, and divided by its largest value; it is 0 everywhere
    when nothing speaks for the class.

    Raises ModelError for a layer that does not exist or gives no feature maps, or a network that has none; ConfigError
    for a class that does not exist; DataError for an image the network cannot take.
    """
    return _one_map(net, image, target, layer, _mean_gradient, relu)


def grad_cam_plus_plus(
    net: Classifier | Network, image: Image, target: Target = None, layer: LayerName | None = None
) -> NDArray[np.float32]:
    """Like `grad_cam`, weighed so that several objects of one class all count: float32 (H, W) in [0, 1]."""
    return _one_map(net, image, target, layer, _plus_plus, relu=True)


def grad_cam_batch(
    classifier: Classifier, images: Tensor | NDArray[np.uint8], targets: Tensor | NDArray[np.int64] | Sequence[int]
) -> NDArray[np.float32]:
    """`grad_cam` of many images, each for its own class: float32 (B, H, W) in [0, 1].

    images: uint8 (B, C, H, W), as the classifier sees them. targets: (B,) class indices.
    One pass forward and one backward for all, or for as many as 32 images of 224 x 224 pixels at a time.
    """
    pixels = torch.as_tensor(images)
    classes = torch.as_tensor(targets, dtype=torch.int64)
    subject = Subject.of(classifier)
    height, width = classifier.preprocess.size
    if pixels.dtype != torch.uint8 or tuple(pixels.shape[1:]) != (classifier.preprocess.channels, height, width):
        raise DataError(
            f"the images are {str(pixels.dtype).removeprefix('torch.')} of shape {tuple(pixels.shape)}",
            hint=f"give uint8 (B, {classifier.preprocess.channels}, {height}, {width}): the classifier's `preprocess`",
        )
    if classes.shape != (len(pixels),):
        raise ConfigError(f"{len(pixels)} images have targets of shape {tuple(classes.shape)}", hint="give one each")
    if len(pixels) == 0:
        return np.zeros((0, height, width), np.float32)
    if int(classes.min()) < 0 or int(classes.max()) >= len(classifier.classes):
        outside = [int(c) for c in classes if not 0 <= c < len(classifier.classes)]
        raise ConfigError(
            f"there is no class {outside[0]}", hint=f"use an index from 0 to {len(classifier.classes) - 1}"
        )

    def some(part: slice) -> Tensor:
        x = subject.ready(classifier.preprocess.normalise(pixels[part].to(subject.weight.device)))
        maps, gradients = _maps_and_gradients(subject, x, None, lambda _: classes[part].to(x.device))
        return _enlarged(F.relu(_mean_gradient(maps, gradients)), height, width).cpu()

    with undisturbed(subject.network):
        maps = in_chunks(some, len(pixels), chunk=max(1, CHUNK_PIXELS // (height * width)))
    return maps.numpy()


def _one_map(
    net: Classifier | Network,
    image: Image,
    target: Target,
    layer: LayerName | None,
    weighing: Weighing,
    relu: bool,
) -> NDArray[np.float32]:
    cam, size = _raw(net, image, target, layer, weighing)
    return _enlarged(F.relu(cam)[None] if relu else cam[None], *size)[0].cpu().numpy()


def _raw(
    net: Classifier | Network, image: Image, target: Target, layer: LayerName | None, weighing: Weighing
) -> tuple[Tensor, tuple[int, int]]:
    """The sum (h, w) and the size (H, W) of the network's input."""
    subject = Subject.of(net)
    name = None if layer is None else find_layer(subject.network, layer)
    with undisturbed(subject.network):
        x = subject.input(image)

        def chosen(logits: Tensor) -> Tensor:
            return torch.tensor([subject.class_index(target, image, logits[0])], device=logits.device)

        maps, gradients = _maps_and_gradients(subject, x, name, chosen)
        return weighing(maps, gradients)[0], (x.shape[2], x.shape[3])


def _maps_and_gradients(
    subject: Subject, x: Tensor, name: str | None, targets: Callable[[Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """A layer's feature maps, and the gradients of the targets' logits with respect to them: both (B, C, h, w)."""
    network = subject.network
    layer = name or "stages"  # the stages give, in nearly every network, the last feature maps
    with torch.enable_grad(), watched(network, [layer], outputs="cut") as runs:
        logits = subject.forward(x)
    output = output_of(layer, runs)
    if name is None and not _has_places(subject, output, x):
        return _maps_and_gradients(subject, x, last_maps(subject, x[:1]), targets)
    as_maps(network, layer, output, x)  # raises for what are no maps
    if not logits.requires_grad:
        raise ModelError(
            f"the logits do not depend on layer '{layer}'", hint="choose one that an image goes through on its way"
        )
    classes = targets(logits.detach())
    (gradient,) = torch.autograd.grad(logits, output, F.one_hot(classes, logits.shape[1]).to(logits))
    maps, gradients = (as_maps(network, layer, tensor, x).float() for tensor in (output.detach(), gradient))
    return maps, gradients


def _has_places(subject: Subject, output: Tensor, x: Tensor) -> bool:
    try:
        height, width = as_maps(subject.network, "stages", output, x).shape[2:]
    except ModelError:
        return False
    return height * width > 1


def _mean_gradient(maps: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM, equations 1 and 2 before ReLU: each channel weighed by its mean gradient."""
    return (gradients.mean((2, 3), keepdim=True) * maps).sum(1)


def _plus_plus(maps: Tensor, gradients: Tensor) -> Tensor:
    """Grad-CAM++, equations 19 and 11 before ReLU: places with a positive gradient, weighed by how alone they are.

    1e-6 keeps the division from 0, as in pytorch-grad-cam; the paper leaves that open.
    """
    square, total = gradients**2, maps.sum((2, 3), keepdim=True)
    shares = square / (2 * square + total * gradients * square + 1e-6)
    weights = (torch.where(gradients != 0, shares, 0) * F.relu(gradients)).sum((2, 3), keepdim=True)
    return (weights * maps).sum(1)


def _enlarged(cams: Tensor, height: int, width: int) -> Tensor:
    """(B, h, w) -> (B, height, width), each divided by its largest magnitude."""
    large = F.interpolate(cams[:, None], size=(height, width), mode="bilinear", align_corners=False)[:, 0]
    largest = large.abs().amax((1, 2), keepdim=True)
    return torch.where(largest > 0, large / largest.clamp_min(torch.finfo(large.dtype).tiny), 0)
