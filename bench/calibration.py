"""Are probabilities true after one temperature? Expected calibration error before and after, on images never seen.

Claims: on Fashion-MNIST and CIFAR-10 the error is 1 % or less after, no prediction is changed, and label sets hold the
truth within a point of the coverage they state, on average over 10 splits.

Fashion-MNIST: the temperature comes from the validation images, the error is measured on the 10,000 test images.
CIFAR-10: 15,000 of the 50,000 training images are held out for validation; 5,000 of them give the temperature, the
other 10,000 are the test: as published by its makers the set has 10,000 test images, but copies with fewer go round.
The error of 15 bins would not be 0 were every probability exactly true: `by chance` is what it would be then.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harness import SIGHTLINE, Claim, at_most, begin, command_line, print_claims, seconds_of, table
from sightline.classifier.classifier import Classifier
from sightline.data.load import load_recorded
from sightline.data.split import read_manifest
from sightline.evaluation.answers import answers
from sightline.evaluation.calibration import fit_temperature, reliability
from sightline.evaluation.conformal import fit_conformal
from sightline.evaluation.intervals import format_percent
from sightline.runs.run import Run

COVERAGES, SPLITS = (0.9, 0.95, 0.99), 10
TRAININGS = {
    "fashion-mnist": (),
    "cifar10": ("--val", "0.3"),
    "digits": ("--epochs", "2"),
}


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--runs", nargs="*", default=[], help="run folders to use instead of training")
    args = parser.parse_args()
    begin("Calibration: errors before and after one temperature, coverage of label sets", args)
    claims: list[Claim] = []
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
        wanted = ["digits"] if args.quick else ["fashion-mnist", "cifar10"]
        for run in [Run(path) for path in args.runs] or [trained(name, Path(folder, name)) for name in wanted]:
            claims += measure(run)
    print_claims(claims)


def trained(data: str, out: Path) -> Run:
    seconds = seconds_of([*SIGHTLINE, "train", data, *TRAININGS[data], "--out", str(out)])
    print(f"sightline train {data} {' '.join(TRAININGS[data])}: {seconds:.0f} s", flush=True)
    return Run(out)


def measure(run: Run) -> list[Claim]:
    """The tables of one training, and what is claimed of it."""
    data = run.config["data"]
    (fitting, truth), (testing, labels) = held_out(run, data)
    temperature = fit_temperature(fitting.numpy(), truth.numpy())
    temperatures = {"before": 1.0, f"after, temperature {temperature:.3f}": temperature}
    rows, errors = [], []
    for name, divisor in temperatures.items():
        probabilities = (testing / divisor).softmax(1).numpy()
        result = reliability(probabilities, labels.numpy())
        loss = torch.nn.functional.cross_entropy(testing / divisor, labels)
        rows.append([name, result.ece.text(), f"{100 * result.by_chance:.2f} %", f"{loss:.4f}"])
        errors.append(result.ece.value)
    changed = int((testing.argmax(1) != (testing / temperature).softmax(1).argmax(1)).sum())
    right = format_percent(int((testing.argmax(1) == labels).sum()), len(labels))
    print(f"{data}: fitted on {len(truth):,} images, {right} of {len(labels):,} others recognised")
    table(("expected calibration error", "(95 % interval)", "by chance", "loss"), rows)
    farthest = coverage(torch.cat([fitting, testing]), torch.cat([truth, labels]))
    return [
        at_most(f"{data}: error after", 1.0, 100 * errors[-1], "%"),
        at_most(f"{data}: predictions changed", 0, changed, "images"),
        at_most(f"{data}: mean coverage off by", 1.0, farthest, "points"),
    ]


def held_out(run: Run, data: str) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Logits and labels of images to fit on and of images to measure on; the network has learnt from neither."""
    classifier = Classifier.load(run.path)
    splits = load_recorded(data, read_manifest(run.split_path))
    if not splits.val or not splits.test:
        raise SystemExit(f"{run.path} has no validation and test images")
    logits, labels = answers(classifier, splits.val)
    if len(splits.test) >= 10_000 or len(splits.val) < 15_000:
        return (logits, labels), answers(classifier, splits.test)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return (logits[order[:5_000]], labels[order[:5_000]]), (logits[order[5_000:]], labels[order[5_000:]])


def coverage(logits: Tensor, labels: Tensor) -> float:
    """A table of label sets on splits of these images into halves; returns how many points means are off at most."""
    rows, off = [], []
    for wanted in COVERAGES:
        shares, sizes = [], []
        for split in range(SPLITS):
            order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(split))
            val, test = order[: len(order) // 2], order[len(order) // 2 :]
            temperature = fit_temperature(logits[val].numpy(), labels[val].numpy())
            rule = fit_conformal(logits[val].numpy(), labels[val].numpy(), temperature)
            inside = rule.members(logits[test], temperature, wanted)
            shares.append(float(inside[torch.arange(len(test)), labels[test]].float().mean()))
            sizes.append(float(inside.sum(1).float().mean()))
        off.append(100 * abs(float(np.mean(shares)) - wanted))
        spread = f"{100 * min(shares):.1f} to {100 * max(shares):.1f} %"
        rows.append([f"{100 * wanted:g} %", f"{100 * np.mean(shares):.2f} %", spread, f"{np.mean(sizes):.2f}"])
    table((f"label sets, {SPLITS} splits", "measured", "from to", "classes in a set"), rows)
    return max(off)


if __name__ == "__main__":
    main()
