"""What the rivals that train on photos share: options, where photos and weights are, and their answers as CSV.

Of third-party packages only numpy: it runs in Keras's processes and in PyTorch's.
"""

import argparse
import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from images import data_folder
from numpy.typing import NDArray

SIZE = 224
WEIGHTS = Path("weights", "mobilenetv2_100_same.safetensors")  # below $SIGHTLINE_DATA
BATCH_NORM_EPSILON = 1e-5  # timm's, with which the weights were made; Keras's network has 1e-3


def options(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="CSV for the answers on the test photos")
    return parser.parse_args()


def photo_folder(split: str = "") -> Path:
    """The clothing photos; with split "train" or "test" the class folders of that split."""
    return data_folder() / "clothing" / split


def weights_path() -> Path:
    return data_folder() / WEIGHTS


def answer(paths: Sequence[str | Path], predicted: NDArray[np.integer], classes: Sequence[str], out: Path) -> None:
    """Write one row a test photo and print the score as a JSON line.

    predicted: (N,), positions in `classes`. A photo's id and true class are those of its path, test/dress/1.jpg.
    """
    correct = 0
    with open(out, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["id", "label", "predicted"])
        for path, index in zip(map(Path, paths), predicted, strict=True):
            label = path.parent.name
            writer.writerow([path.relative_to(photo_folder()).as_posix(), label, classes[index]])
            correct += label == classes[index]
    print(json.dumps({"correct": correct, "total": len(paths)}), flush=True)
