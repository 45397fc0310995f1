"""Train on images of your own: a folder with one folder a class, named as the class.

    python examples/02_own_folder.py photos/
    python examples/02_own_folder.py photos/ mobilenetv2_100 weights.safetensors   # from a pretrained network

Without a folder it makes one: the digits of scikit-learn as PNG files, one of them twice and one cut short.
"""

import shutil
import sys
from collections import defaultdict
from pathlib import Path

from PIL import Image

import sightline as sl
from sightline.data.load import audit_data
from sightline.data.sources.builtin import load_digits
from sightline.errors import ImageError


def make_folder(folder: Path, *, images_per_class: int) -> None:
    """Write digits into folder/0/ to folder/9/."""
    digits = load_digits()
    written: dict[int, int] = defaultdict(int)
    for index, label in enumerate(digits.labels.tolist()):
        if written[label] < images_per_class:
            path = folder / digits.classes[label] / f"{written[label]:03}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(digits.images.read(index)[:, :, 0]).save(path)
            written[label] += 1
    shutil.copy(folder / "3" / "000.png", folder / "3" / "copy.png")
    (folder / "7" / "cut.png").write_bytes((folder / "7" / "000.png").read_bytes()[:60])


folder, model, weights = (*sys.argv[1:], *[None] * 3)[:3]
size = None  # leaves the size at which the network sees images to the recipe
if folder is None:
    folder, size = "digit-photos", 16
    make_folder(Path(folder), images_per_class=30)

# What is wrong with this data? Nothing on the disk is changed; training leaves out what cannot be read.
audit = audit_data(folder)
for finding in audit.findings:
    print(f"{finding.severity}: {finding.what}")

# Holds out images for validation and test, copies never on both sides; trains, scores the test images once, reports.
run = sl.train(folder, model=model, weights=weights, epochs=None if weights else 12, size=size)

# The classifier in the run folder is all that is needed to use it elsewhere.
classifier = sl.load(run.path)
paths = sorted(path for path in Path(folder).rglob("*") if path.is_file())[:5]
for path, answer in zip(paths, classifier.predict_many(paths), strict=True):
    if isinstance(answer, ImageError):
        print(answer)  # a file that is no image is said to be none; the others go on
    else:
        print(f"{path}: {answer.label}, probability {answer.probability:.2f}")

print(f"\nwhich image was in which split: {run.split_path}")
print(f"the report, in a browser: {run.report_path}")
