"""Which score tells images unlike the training data best? MNIST against Fashion-MNIST, CIFAR-10 against four others.

For every score: the AUROC between the test images and the outliers (1: all outliers score lower; 0.5: no better than
chance), and below it the share of outliers that are called unknown when 95 % of the validation images are accepted.

probability, logit and energy need nothing but the logits. `nearest` is the distance to the 10th nearest of 10,000
training features scaled to length 1 (Y. Sun et al., arXiv 2204.06507), `mahalanobis` the distance to the nearest class
mean in the features' shared covariance (K. Lee et al., arXiv 1807.03888): both need features, and a bank or a matrix.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import functional as F

from harness import SIGHTLINE, begin, command_line, seconds_of, table
from sightline.classifier.classifier import Classifier
from sightline.classifier.confidence import scores
from sightline.data.batches import to_resident
from sightline.data.imageset import ImageSet
from sightline.data.load import load_data, load_recorded
from sightline.data.split import read_manifest
from sightline.runs.run import Run

BANK, NEAREST, ACCEPTED = 10_000, 10, 0.95
LOGITS = ("probability", "logit", "energy")
NAMES = (*LOGITS, "nearest", "mahalanobis")
TRAININGS = {
    "mnist": ("--epochs", "1", "--batch-size", "500"),
    "cifar10": ("--model", "cifar_cnn", "--epochs", "2", "--batch-size", "250", "--val", "0.3"),
    "digits": ("--epochs", "2"),
}


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--runs", nargs="*", default=[], help="run folders to use instead of training, e.g. of mnist")
    parser.add_argument("--images", type=int, default=2_000, help="outliers and test images of each kind, at most")
    args = parser.parse_args()
    begin("Unknown: AUROC of scores, and outliers called unknown at 95 % accepted", args)
    wanted = ["digits"] if args.quick else ["mnist", "cifar10"]
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
        runs = [Run(path) for path in args.runs] or [trained(name, Path(folder, name)) for name in wanted]
        for run in runs:
            measure(run, args.images)


def trained(data: str, out: Path) -> Run:
    seconds = seconds_of([*SIGHTLINE, "train", data, *TRAININGS[data], "--out", str(out)])
    print(f"sightline train {data} {' '.join(TRAININGS[data])}: {seconds:.0f} s", flush=True)
    return Run(out)


def measure(run: Run, most: int) -> None:
    """One table: a training against its outliers."""
    data = run.config["data"]
    classifier = Classifier.load(run.path)
    splits = load_recorded(data, read_manifest(run.split_path))
    train, test = splits.train, splits.test
    if not test:
        raise SystemExit(f"{run.path} has no test images")
    val = splits.val or test  # AUROCs do not depend on it
    if not splits.val:
        print(f"{run.path} has no validation images: 95 % of the test images are accepted")
    learnt = to_resident(sample(train, BANK), classifier.preprocess)
    training_features = features(classifier, learnt)
    scorings = [scoring(training_features, sample(train, BANK).labels, each) for each in NAMES]
    known = answers(classifier, to_resident(sample(test, most), classifier.preprocess))
    accepted = answers(classifier, to_resident(sample(val, most), classifier.preprocess))
    accuracy = (known[0].argmax(1) == sample(test, most).labels).float().mean()
    print(f"{data}, {classifier.architecture.name}, {100 * float(accuracy):.1f} % of the test images recognised")
    rows = []
    for name, images in outliers(data, classifier, most).items():
        strange = answers(classifier, images)
        areas, caught = [], []
        for score in scorings:
            inside, outside, validated = score(*known), score(*strange), score(*accepted)
            truth = np.r_[np.ones(len(inside)), np.zeros(len(outside))]
            areas.append(f"{100 * roc_auc_score(truth, np.r_[inside, outside]):.2f}")
            caught.append(f"{100 * np.mean(outside < np.quantile(validated, 1 - ACCEPTED)):.1f} %")
        rows += [[f"{name} ({len(images):,})", *areas], ["  called unknown", *caught]]
    rows.append(["mean AUROC", *(f"{np.mean([float(row[i]) for row in rows[::2]]):.2f}" for i in range(1, 6))])
    table(("outliers", *NAMES), rows)


Scoring = Callable[[Tensor, Tensor], NDArray[np.float64]]  # logits, features -> scores


def scoring(training_features: Tensor, labels: Tensor, name: str) -> Scoring:
    """A score by name. training_features: (N, D)."""
    if name == "nearest":
        bank = F.normalize(training_features)
        return lambda _, features: (
            -torch.cat(
                [
                    torch.cdist(part, bank).kthvalue(min(NEAREST, len(bank)), dim=1).values
                    for part in F.normalize(features).split(500)
                ]
            )
            .double()
            .numpy()
        )
    if name == "mahalanobis":
        classes = labels.unique()
        means = torch.stack([training_features[labels == index].mean(0) for index in classes]).double()
        centred = training_features.double() - means[torch.searchsorted(classes, labels)]
        precision = torch.linalg.pinv(centred.T @ centred / len(training_features), hermitian=True, rtol=1e-6)

        def distance(_: Tensor, features: Tensor) -> NDArray[np.float64]:
            away = features.double()[:, None] - means
            return -((away @ precision) * away).sum(2).amin(1).numpy()

        return distance
    return lambda logits, _: scores(logits, name).numpy()


def answers(classifier: Classifier, images: Tensor) -> tuple[Tensor, Tensor]:
    """Logits and features of network input, uint8 (N, C, H, W)."""
    return classifier.logits(images), features(classifier, images)


@torch.inference_mode()
def features(classifier: Classifier, images: Tensor) -> Tensor:
    parts = [classifier.network.embed(classifier.preprocess.normalise(part)) for part in images.split(250)]
    return torch.cat(parts).flatten(1)


def sample(images: ImageSet, most: int) -> ImageSet:
    """So many images of a set, drawn with a fixed seed."""
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:most]
    return images.take(order.sort().values)


def outliers(data: str, classifier: Classifier, most: int) -> dict[str, Tensor]:
    """Images the classifier has learnt nothing of, as network input, uint8 (N, C, H, W) each."""
    channels, (height, width) = classifier.preprocess.channels, classifier.preprocess.size
    count, shape = min(most, 2_000), (channels, height, width)
    made = {
        "noise": noise(count, shape),
        "smooth noise": smooth(noise(count, shape)),
        "textures": textures(count, shape),
    }
    if data == "mnist":
        clothes = load_data("fashion-mnist").test
        assert clothes is not None
        return {"Fashion-MNIST": to_resident(sample(clothes, most), classifier.preprocess), **made}
    photos = Path(os.environ.get("SIGHTLINE_DATA", ""), "clothing", "test")
    if data != "cifar10" or not photos.is_dir():
        return made
    return {**made, "clothing photos": to_resident(sample(load_data(photos).train, most), classifier.preprocess)}


def noise(count: int, shape: tuple[int, int, int]) -> Tensor:
    """Every value drawn alone: uint8 (count, *shape)."""
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8))


def smooth(images: Tensor) -> Tensor:
    """The same, blurred over five pixels and stretched to the full range, each image alone."""
    return stretched(F.avg_pool2d(images.float(), 5, stride=1, padding=2, count_include_pad=False))


def textures(count: int, shape: tuple[int, int, int]) -> Tensor:
    """Gratings and chequers of any direction and width, in two colours: uint8 (count, *shape)."""
    draw = np.random.default_rng(1)
    channels, height, width = shape
    y, x = np.mgrid[:height, :width]
    made = []
    for index in range(count):
        angle, period, phase = draw.uniform(0, np.pi), draw.uniform(3, 12), draw.uniform(0, 2 * np.pi)
        across = np.cos(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period + phase)
        along = np.cos(2 * np.pi * (y * np.cos(angle) - x * np.sin(angle)) / period)
        wave = across if index % 2 else np.sign(across * along)
        first, second = draw.integers(0, 256, (2, channels, 1, 1))
        made.append(first + (second - first) * (wave + 1) / 2)
    return torch.from_numpy(np.stack(made).round().astype(np.uint8))


def stretched(images: Tensor) -> Tensor:
    low, high = images.amin((1, 2, 3), keepdim=True), images.amax((1, 2, 3), keepdim=True)
    return (255 * (images - low) / (high - low)).round().to(torch.uint8)


if __name__ == "__main__":
    main()
