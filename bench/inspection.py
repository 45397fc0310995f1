"""Looking inside: Grad-CAM of a 224 x 224 image with MobileNetV2 in at most 0.3 s, and what the other looks cost.

One process; each quick look once to warm up, then the median of several; each slow one once. Weights change no time, so
they are random. From pixels to map: preprocessing included, decoding a file not.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from harness import at_most, begin, command_line, print_claims, table
from sightline.classifier.classifier import Classifier
from sightline.inspection import (
    activation_maximum,
    arithmetic,
    feature_maps,
    grad_cam,
    grad_cam_batch,
    grad_cam_plus_plus,
    integrated_gradients,
    occlusion,
    receptive_field,
    smooth_grad,
)
from sightline.models.registry import create_model
from sightline.pixels.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

SECONDS = 0.3
GALLERY = 24  # images, as many as a report shows mistakes


def main() -> None:
    parser = command_line(__doc__, rounds=9)
    args = parser.parse_args()
    if args.quick:
        args.rounds = 1
    begin(f"MobileNetV2 at 224 pixels, {torch.get_num_threads()} threads", args)

    network = create_model("mobilenetv2_100", num_classes=10, size=224).eval()
    preprocess = Preprocess(size=(224, 224), mean=IMAGENET_MEAN, std=IMAGENET_STD)
    assert network.architecture is not None
    clf = Classifier(network, [f"class {i}" for i in range(10)], preprocess, network.architecture).to("cpu")
    numbers = np.random.default_rng(0)
    image = numbers.integers(0, 256, (300, 400, 3), dtype=np.uint8)
    gallery = torch.from_numpy(numbers.integers(0, 256, (GALLERY, 3, 224, 224), dtype=np.uint8))

    quick: dict[str, Callable[[], object]] = {
        "grad_cam": lambda: grad_cam(clf, image),
        "grad_cam_plus_plus": lambda: grad_cam_plus_plus(clf, image),
        "feature_maps, the second stage": lambda: feature_maps(clf, image, 1),
        "arithmetic of one value": lambda: arithmetic(clf, image, "conv_stem", 0, 50, 50),
        "receptive_field, the last stage": lambda: receptive_field(clf, -1),
    }
    slow: dict[str, Callable[[], object]] = {
        f"grad_cam_batch of {GALLERY} images": lambda: grad_cam_batch(clf, gallery, [0] * GALLERY),
        "integrated_gradients, 50 steps": lambda: integrated_gradients(clf, image),
        "smooth_grad, 25 samples": lambda: smooth_grad(clf, image),
        "occlusion, 169 windows": lambda: occlusion(clf, image),
        "activation_maximum, 128 steps": lambda: activation_maximum(clf, "stages", 0),
    }
    seconds = {name: median(look, args.rounds) for name, look in quick.items()}
    if not args.quick:
        seconds |= {name: once(look) for name, look in slow.items()}
    table(("look", "seconds"), [[name, f"{value:.3f}"] for name, value in seconds.items()])
    print_claims([at_most("Grad-CAM of a 224 image with MobileNetV2", SECONDS, seconds["grad_cam"], "s")])


def median(look: Callable[[], object], rounds: int) -> float:
    look()
    return statistics.median(once(look) for _ in range(rounds))


def once(look: Callable[[], object]) -> float:
    start = time.perf_counter()
    look()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
