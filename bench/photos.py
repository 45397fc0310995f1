"""Issue 3, claim 1: photos and pretrained weights, whole processes from nothing, 3 seeds, the same 372 test photos.

The frozen stage takes 30 s for 88.5 % or more, with fine-tuning 3 minutes for 90 %. fastai, Keras and a plain PyTorch
loop with the same weights are not better than the frozen stage beyond noise; it is 7 times sooner than the quickest.

It takes long. `--keep FILE` writes each training to FILE as it ends, and what stands there is not trained again: the
benchmark can be stopped, and run in parts, as by `--only fastai --seeds 1`. The tables show all that FILE has.
"""

import argparse
import csv
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import timm
import torch
from PIL import Image
from safetensors.torch import load_file

from harness import (
    RIVALS,
    SIGHTLINE,
    Claim,
    at_least,
    at_most,
    begin,
    command_line,
    machine,
    print_claims,
    seconds_of,
    table,
    with_rival,
)
from paired import Kept, Training, difference
from trainings import Score, mean_percent, mean_seconds, print_scores

NAMES = {
    "frozen": "ours, --finetune none",
    "tuned": "ours, --finetune auto",
    "fastai": "fastai",
    "keras": "Keras",
    "torch": "PyTorch loop",
}
SCRIPTS = {"fastai": "fastai_photos.py", "keras": "keras_photos.py", "torch": "torch_photos.py"}
FROZEN_ACCURACY, FROZEN_SECONDS = 88.5, 30.0
TUNED_ACCURACY, TUNED_SECONDS = 90.0, 180.0
TIMES_SOONER = 7.0
SAME_NETWORK = 1e-3  # the largest difference that Keras's features may have from timm's


def main() -> None:
    args = options()
    begin("Clothing photos: whole processes", args)
    store = Kept(args.keep, machine=machine().partition(", load")[0])
    for name in args.only:
        command = command_of(name, args)
        seeds = [seed for seed in range(args.seeds) if seed not in store.seeds(name)] if command else []
        if name == "keras" and seeds:
            check_keras(args.rival_python)
        for seed in seeds:
            training = train(command, seed=seed)
            store.add(name, training)
            print(f"  {NAMES[name]}, seed {seed}: {outcome(training)}", flush=True)

    trainings = {name: store.trainings[name] for name in NAMES if name in store.trainings}
    print_scores({NAMES[name]: [score(training) for training in several] for name, several in trainings.items()})
    print_pairs(trainings)
    print_claims(claims(trainings))


def options() -> argparse.Namespace:
    parser = with_rival(command_line(__doc__, seeds=3))
    parser.add_argument(
        "--torch-rival-python",
        default=os.environ.get("SIGHTLINE_TORCH_RIVAL_PYTHON"),
        help="Python of a virtual environment with bench/rivals-torch.txt (default: $SIGHTLINE_TORCH_RIVAL_PYTHON)",
    )
    parser.add_argument("--only", nargs="+", choices=NAMES, default=list(NAMES), help="train only these")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="JSON with the trainings so far")
    args = parser.parse_args()
    if args.quick and args.keep:
        parser.error("--quick trains too little for its figures to be kept")
    args.seeds = 1 if args.quick else args.seeds
    return args


def command_of(name: str, args: argparse.Namespace) -> list[str]:
    """What trains, without --seed and --out; empty when there is no interpreter for the rival."""
    if name in SCRIPTS:
        python = args.rival_python if name == "keras" else args.torch_rival_python
        return [python, str(RIVALS / SCRIPTS[name]), *(["--epochs", "1"] if args.quick else [])] if python else []
    finetune = "none" if name == "frozen" else "auto"
    weights = ["--model", "mobilenetv2_100", "--weights", str(weights_path())]
    return [*SIGHTLINE, "train", str(photo_folder()), *weights, "--finetune", finetune]


def train(command: Sequence[str], *, seed: int) -> Training:
    """One process from its start to its exit; its answers are those of its predictions.csv, or of the rival's CSV."""
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
        out = Path(folder, "run")
        # What an earlier training of ours decoded and computed is not found: each begins from nothing.
        empty = {"XDG_CACHE_HOME": folder} if tuple(command[: len(SIGHTLINE)]) == SIGHTLINE else {}
        seconds = seconds_of([*command, "--seed", str(seed), "--out", str(out)], env=empty)
        with open(out / "predictions.csv" if out.is_dir() else out, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    photos = {path.relative_to(photo_folder()).as_posix() for path in photo_folder().glob("test/*/*.jpg")}
    if len(rows) != len(photos) or {row["id"] for row in rows} != photos:
        raise SystemExit(f"{' '.join(command)}\nanswered other images than the {len(photos)} test photos")
    return Training(seed, seconds, len(rows), tuple(row["id"] for row in rows if row["label"] != row["predicted"]))


def check_keras(python: str) -> None:
    """End the benchmark unless the features of Keras's MobileNetV2, with the transplanted weights, are timm's."""
    paths = sorted(photo_folder().glob("test/*/*.jpg"))[::50]
    photos = np.stack([np.asarray(Image.open(path).convert("RGB").resize((224, 224))) for path in paths]) / 127.5 - 1
    network = timm.create_model("mobilenetv2_100", pad_type="same", num_classes=0).eval()
    network.load_state_dict(load_file(weights_path()), strict=False)  # all but its 1,000 classes
    with torch.inference_mode():
        expected = network(torch.from_numpy(photos).float().permute(0, 3, 1, 2)).numpy()
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder:
        photos_path, features_path = Path(folder, "photos.npy"), Path(folder, "features.npy")
        np.save(photos_path, photos.astype(np.float32))
        seconds_of([python, str(RIVALS / "keras_photo_features.py"), str(photos_path), str(features_path)])
        apart = float(np.abs(np.load(features_path) - expected).max())
    print(
        f"  Keras's features of {len(paths)} photos differ from timm's by at most {apart:.1e} of {expected.max():.1f}"
    )
    if not apart <= SAME_NETWORK:
        raise SystemExit("Keras does not run the same network")


def score(training: Training) -> Score:
    return Score(training.total - len(training.wrong), training.total, training.seconds)


def outcome(training: Training) -> str:
    return f"{score(training).percent:.2f} % after {training.seconds:.1f} s"


def print_pairs(trainings: Mapping[str, Sequence[Training]]) -> None:
    """Each of ours beside each rival: accuracy, photo by photo, and time."""
    rows = []
    for ours in (name for name in trainings if name not in SCRIPTS):
        for rival in (name for name in trainings if name in SCRIPTS):
            points = difference(trainings[ours], trainings[rival])
            times = seconds(trainings[rival]) / seconds(trainings[ours])
            rows.append([f"{NAMES[ours]}, less {NAMES[rival]}", str(points), f"{times:.1f} x"])
    if rows:
        table(("the same test photos", "points (95 % interval)", "sooner"), rows)


def claims(trainings: Mapping[str, Sequence[Training]]) -> list[Claim]:
    """What can be said of what was trained."""
    made = []
    limits = {"frozen": (FROZEN_ACCURACY, FROZEN_SECONDS), "tuned": (TUNED_ACCURACY, TUNED_SECONDS)}
    for name, (accuracy, time) in limits.items():
        if name in trainings:
            percent = mean_percent([score(training) for training in trainings[name]])
            made.append(at_least(f"{NAMES[name]}: mean test accuracy", accuracy, percent, "%"))
            made.append(at_most(f"{NAMES[name]}: mean whole-process time", time, seconds(trainings[name]), "s"))
    rivals = {name: several for name, several in trainings.items() if name in SCRIPTS}
    if "frozen" in trainings and rivals:
        frozen = trainings["frozen"]
        for name, several in rivals.items():
            points = difference(several, frozen)
            made.append(Claim(f"{NAMES[name]} better than the frozen stage", "<= noise", str(points), points.low <= 0))
        sooner = min(map(seconds, rivals.values())) / seconds(frozen)
        made.append(at_least("frozen stage sooner than the quickest rival", TIMES_SOONER, sooner, "x"))
    return made


def seconds(trainings: Sequence[Training]) -> float:
    """Mean time of the whole process."""
    return mean_seconds([score(training) for training in trainings])


def photo_folder() -> Path:
    return data_folder() / "clothing"


def weights_path() -> Path:
    return data_folder() / "weights" / "mobilenetv2_100_same.safetensors"


def data_folder() -> Path:
    if "SIGHTLINE_DATA" not in os.environ:
        raise SystemExit("SIGHTLINE_DATA is not set: name the folder with clothing/ and weights/")
    return Path(os.environ["SIGHTLINE_DATA"])


if __name__ == "__main__":
    main()
