"""Issue 4: how the result would grow. From half of the clothing photos, what do all of them bring, class by class?

The photos go through the frozen MobileNetV2 once. From a random half of the training photos the forecast says what
twice as many of each class, and of all, would bring; then heads learn from what was held back, and the same test photos
tell what it brought. Of one class alone, only its photos are doubled, and they weigh as much as before, as in the
forecast. What it brought is the mean over all halves: a single one says as much about its photos as about their number.
"""

import statistics
import time
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from harness import Claim, at_least, at_most, begin, command_line, print_claims, table
from photos import photo_folder, weights_path
from sightline.data.load import load_data
from sightline.diagnosis.forecast import Forecast, forecast
from sightline.evaluation.intervals import Estimate
from sightline.machine.device import find_device, find_precision
from sightline.models.pretrained import load_pretrained
from sightline.training.features import extract
from sightline.training.head import centre_and_scale, fit_head, fit_linear

SECONDS = 5.0
INSIDE = 80.0  # % of the intervals that should hold what came; they are for 95 but few halves make the truth uncertain


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--halves", type=int, default=8, help="random halves of the training photos")
    args = parser.parse_args()
    args.halves = 1 if args.quick else args.halves
    begin("Clothing photos: forecast from half, compared with all", args)
    names, train, labels, test, test_labels = photo_features(photo_folder(), weights_path())

    l2 = fit_head(train, labels, len(names)).setting
    started, computed = time.perf_counter(), time.process_time()
    now = forecast(train, labels, names, held_out=(test, test_labels), l2=l2)
    seconds, computed = time.perf_counter() - started, time.process_time() - computed
    print(f"of all {len(labels)} photos, in {seconds:.1f} s ({computed:.1f} s of one processor):\n{now.sentence}\n")

    forecasts, came = [], []
    for number in range(args.halves):
        half = stratified_half(labels, number)
        forecasts.append(
            forecast(
                train[half],
                labels[half],
                names,
                held_out=(test, test_labels),
                learnt=True,  # so that the same photos answer, the test photos
                l2=2 * l2,
                growth=1.0,
                seed=number,
            )
        )
        came.append(growth(train, labels, half, test, test_labels, len(names), l2))
    print_table(forecasts, came, names)
    inside = within(forecasts, came, names)
    print_claims(
        [
            at_most("forecast from all photos, given the strength of the penalty", SECONDS, seconds, "s"),
            at_least("intervals that hold what came", INSIDE, 100 * inside, "%"),
            *first_three(forecasts, came, names),
        ]
    )


def photo_features(folder: Path, weights: Path) -> tuple[tuple[str, ...], Tensor, Tensor, Tensor, Tensor]:
    """Class names, and features and labels of the training and of the test photos."""
    splits = load_data(str(folder), val="0")
    assert splits.test is not None
    loaded = load_pretrained("mobilenetv2_100", weights=weights, num_classes=len(splits.classes))
    device = find_device("auto")
    precision = find_precision("auto", device)
    train, test = (
        extract(loaded.network, images, loaded.preprocess, device=device, precision=precision)
        for images in (splits.train, splits.test)
    )
    return splits.classes, train.values, train.labels, test.values, test.labels


def stratified_half(labels: Tensor, seed: int) -> Tensor:
    """Which photos are in the half, bool (N,): half of each class."""
    half = torch.zeros(len(labels), dtype=torch.bool)
    generator = Generator().manual_seed(seed)
    for name in labels.unique().tolist():
        rows = (labels == name).nonzero()[:, 0]
        half[rows[torch.randperm(len(rows), generator=generator)[: len(rows) // 2]]] = True
    return half


def growth(
    train: Tensor, labels: Tensor, half: Tensor, test: Tensor, test_labels: Tensor, num_classes: int, l2: float
) -> list[float]:
    """What the other half brings on the test photos: to the accuracy, then to the recall of each class by its own."""
    mean, scale = centre_and_scale([train[half]])
    inputs, asked = (train - mean) / scale, (test - mean) / scale
    weights = [half.float()]
    for name in range(num_classes):
        own = labels == name
        weights.append(torch.where(own, (half & own).sum() / own.sum(), half.float()))
    layers, biases = fit_linear(inputs, labels, num_classes, weights=torch.stack(weights), l2=2 * l2)
    right = torch.stack([(asked @ w.T + b).argmax(1) == test_labels for w, b in zip(layers, biases, strict=True)])
    all_layer, all_bias = fit_linear(inputs, labels, num_classes, weights=torch.ones(1, len(labels)), l2=l2)
    all_right = (asked @ all_layer[0].T + all_bias[0]).argmax(1) == test_labels
    gains = [float(all_right.float().mean() - right[0].float().mean())]
    for name in range(num_classes):
        own = test_labels == name
        gains.append(float(right[1 + name][own].float().mean() - right[0][own].float().mean()))
    return gains


def print_table(forecasts: list[Forecast], came: list[list[float]], names: tuple[str, ...]) -> None:
    rows = []
    for place, name in enumerate(("all", *names)):
        gains = [gain_of(one, name) for one in forecasts]
        said = [gain for gain in gains if gain is not None]
        if said:
            low, high = (statistics.mean(100 * getattr(gain, end) for gain in said) for end in ("low", "high"))
            brought = [100 * one[place] for one in came]
            spread = f"{statistics.mean(brought):+.1f} ({min(brought):+.1f} to {max(brought):+.1f})"
            rows.append(
                [name, f"{statistics.mean(100 * g.value for g in said):+.1f} ({low:+.1f} to {high:+.1f})", spread]
            )
    table(("twice as many photos of", "forecast, points (mean interval)", "came (range over halves)"), rows)


def gain_of(forecast: Forecast, name: str) -> Estimate | None:
    """The gain that was forecast."""
    if name == "all":
        return forecast.gain
    return next((one.gain for one in forecast.classes if one.name == name), None)


def within(forecasts: list[Forecast], came: list[list[float]], names: tuple[str, ...]) -> float:
    """The share of intervals that hold what came, on the mean of all halves."""
    truth = dict(zip(("all", *names), np.mean(came, axis=0).tolist(), strict=True))
    held = [
        gain.low <= truth[name] <= gain.high
        for one in forecasts
        for name in truth
        if (gain := gain_of(one, name)) is not None
    ]
    return sum(held) / len(held)


def first_three(forecasts: list[Forecast], came: list[list[float]], names: tuple[str, ...]) -> list[Claim]:
    """Do the classes that were said to gain most gain more than the others?"""
    truth = dict(zip(names, np.mean(came, axis=0)[1:].tolist(), strict=True))
    first = statistics.mean(truth[one.name] for one_forecast in forecasts for one in one_forecast.classes[:3])
    rest = statistics.mean(truth[one.name] for one_forecast in forecasts for one in one_forecast.classes[3:])
    return [at_least("the three classes named first gain more than the others by", 0.0, 100 * (first - rest), "points")]


if __name__ == "__main__":
    main()
