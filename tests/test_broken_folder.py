"""A folder in which every tenth file is broken trains to the end, and every such file is named with its reason.

`build` writes it: small photos whose brightness tells their class, files broken in every way of `WAYS`, and names that
undo programs, which only a file system as free as Linux's allows.
"""

import csv
import html
import io
import os
import re
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

import sightline
from sightline.data.images import EncodedImages
from sightline.runs.run import Run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems do not allow all of these names")

CLASSES = {"cat": 70, "dog": 180}  # name: mean brightness
SIDE = 24  # pixels
BOMB_SIDE = 12_000  # pixels; 144 megapixels in a file of 18 kB

ODD_NAMES = (
    "two\nlines.png",
    "a,b.png",
    'a "quoted" name.png',
    "it's.png",
    "-rf.png",
    "=1+1.png",
    " spaces .png",
    "100%.png",
    "[a-z]*?.png",
    "\udce9t\udce9.png",  # two bytes that are not UTF-8, as Python gives them
    "cafe\N{COMBINING ACUTE ACCENT}.png",
    "caf\N{LATIN SMALL LETTER E WITH ACUTE}.png",  # the same name to a person, and on a Mac
)
# What Sightline calls them: bytes spelt out, accents composed, and the second of two that are then alike marked.
ODD_IDS = (*ODD_NAMES[:-3], r"\xe9t\xe9.png", ODD_NAMES[-1], ODD_NAMES[-1] + "~")
UNUSED = re.compile(r"Files not used</h2>(.*?)</section>", re.DOTALL)  # in the report
NAME_AND_REASON = re.compile(r"<dt>(.*?)</dt><dd>(.*?)</dd>", re.DOTALL)


class Broken(NamedTuple):
    """A file that cannot be used. id: what Sightline calls it; reason: words it should use."""

    id: str
    reason: str


def build(root: Path) -> tuple[Broken, ...]:
    """Write train/ and test/ with a folder for each class; returns the broken files.

    Each way to be broken stands once in train/cat, after nine sound photos. Sound images have the odd names everywhere;
    in test/dog truncated ones have them too.
    """
    noise = np.random.default_rng(0)
    for split, sound in (("train", 9 * len(WAYS)), ("test", 9)):
        for name in CLASSES:
            folder = root / split / name
            folder.mkdir(parents=True)
            for number in range(sound):
                (folder / f"{number:03}.jpg").write_bytes(photo(name, "JPEG", noise))
            for odd in ODD_NAMES:
                (folder / odd).write_bytes(photo(name, "PNG", noise))
    broken = []
    for number, (spoil, reason) in enumerate(WAYS, start=1):
        path = root / "train" / "cat" / f"{9 * number - 1:03} spoilt.jpg"
        path.write_bytes(photo("cat", "JPEG", noise))
        spoil(path)
        # Root may read whatever the permissions are; then the file is sound.
        if spoil is not lock or not os.access(path, os.R_OK):
            broken.append(Broken(f"train/cat/{path.name}", reason))
    for odd in ODD_NAMES[:-3]:
        path = root / "test" / "dog" / f"cut {odd}"
        path.write_bytes(photo("dog", "PNG", noise))
        truncate(path)
        broken.append(Broken(f"test/dog/{path.name}", "damaged, truncated"))
    return tuple(broken)


def photo(name: str, kind: str, noise: np.random.Generator) -> bytes:
    """The file of a photo of class `name`."""
    pixels = CLASSES[name] + noise.integers(-60, 60, (SIDE, SIDE, 3))
    file = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(file, kind)
    return file.getvalue()


def truncate(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def make_html(path: Path) -> None:
    path.write_text("<!DOCTYPE html>\n<html><body><h1>404 Not Found</h1></body></html>\n")


def make_pdf(path: Path) -> None:
    path.write_bytes(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF\n")


def make_bomb(path: Path) -> None:
    """A PNG of black pixels, one bit each; decoded it is 432 MB of RGB."""
    header = BOMB_SIDE.to_bytes(4) * 2 + bytes([1, 0, 0, 0, 0])  # one bit, grey; PNG (third edition), section 11.2.1
    rows = zlib.compress(bytes(BOMB_SIDE * (1 + BOMB_SIDE // 8)), 9)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, data) for kind, data in chunks))


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def lock(path: Path) -> None:
    path.chmod(0)


def link_to_nothing(path: Path) -> None:
    path.unlink()
    path.symlink_to("gone.jpg")


def link_to_itself(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def link_to_its_folder(path: Path) -> None:
    path.unlink()
    path.symlink_to(".", target_is_directory=True)


def make_pipe(path: Path) -> None:
    """Whoever opens it waits for a writer, who never comes."""
    path.unlink()
    os.mkfifo(path)


def scramble(path: Path) -> None:
    """Whole in length, with other bytes where the tables of a JPEG stand."""
    data = bytearray(path.read_bytes())
    data[20:200] = bytes(180)
    path.write_bytes(data)


WAYS: tuple[tuple[Callable[[Path], None], str], ...] = (
    (truncate, "damaged, truncated"),
    (empty, "empty file"),
    (make_html, "an HTML page"),
    (make_pdf, "a PDF"),
    (make_bomb, "more than the limit"),
    (lock, "permission denied"),
    (link_to_nothing, "a link to nothing"),
    (link_to_itself, "symbolic links"),
    (link_to_its_folder, "a link to a folder that is listed already"),
    (make_pipe, "not a regular file"),
    (scramble, "damaged, truncated"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("broken") / "photos"


@pytest.fixture(scope="module")
def broken(folder: Path) -> tuple[Broken, ...]:
    return build(folder)


@pytest.fixture(scope="module")
def run(folder: Path, broken: tuple[Broken, ...]) -> Run:
    out = folder.parent / "run"
    return sightline.train(folder, model="lenet5", epochs=3, precision="fp32", device="cpu", out=out, quiet=True)


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_tenth_file_is_broken(folder: Path, broken: tuple[Broken, ...]) -> None:
    files = sorted(os.listdir(folder / "train" / "cat"))
    spoilt = [name for name in files if name.endswith("spoilt.jpg")]
    assert len(spoilt) == len(WAYS)
    assert len(files) == 10 * len(WAYS) + len(ODD_NAMES)
    assert {f"train/cat/{name}" for name in spoilt} >= {file.id for file in broken if file.id.startswith("train")}


def test_training_reaches_its_end(run: Run) -> None:
    assert run.is_complete
    assert run.test["total"] == len(CLASSES) * (9 + len(ODD_NAMES))
    assert run.test["accuracy"] > 0.9


def unused(run: Run) -> dict[str, str]:
    """The reasons in the report, by the files' names."""
    [section] = UNUSED.findall(run.report_path.read_text(encoding="utf-8"))
    return {html.unescape(name): html.unescape(reason) for name, reason in NAME_AND_REASON.findall(section)}


def test_the_report_gives_the_reason_of_each_broken_file(run: Run, broken: tuple[Broken, ...]) -> None:
    reasons = unused(run)
    assert len(reasons) == len(broken)
    for file in broken:
        [reason] = [reason for name, reason in reasons.items() if name.endswith(file.id)]
        assert file.reason in reason, file.id


def test_the_report_names_broken_files_as_the_split_would(run: Run, broken: tuple[Broken, ...]) -> None:
    """So that a name can be copied into quarantine.csv."""
    assert unused(run).keys() == {file.id for file in broken}


def test_a_broken_file_whose_name_is_not_utf8_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0)
    for name in CLASSES:
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(10):
            (tmp_path / "photos" / name / f"{number}.jpg").write_bytes(photo(name, "JPEG", noise))
    path = tmp_path / "photos" / "cat" / "\udce9.jpg"
    path.write_bytes(photo("cat", "JPEG", noise))
    truncate(path)
    out = tmp_path / "run"
    run = sightline.train(
        path.parents[1], model="lenet5", epochs=1, precision="fp32", device="cpu", out=out, quiet=True
    )
    assert list(unused(run)) == [r"cat/\xe9.jpg"]


def test_the_split_has_every_sound_file_and_no_broken_one(run: Run, broken: tuple[Broken, ...]) -> None:
    listed = [(row["id"], row["label"]) for row in rows(run.split_path)]
    odd = {(f"{split}/{name}/{odd}", name) for split in ("train", "test") for name in CLASSES for odd in ODD_IDS}
    assert odd <= set(listed)
    assert len(listed) == len(set(listed))
    assert {name for name, _ in listed}.isdisjoint(file.id for file in broken)


def test_predictions_name_every_test_image_once(run: Run, folder: Path) -> None:
    answers = {row["id"]: row["label"] for row in rows(run.predictions_path)}
    in_split = {row["id"]: row["label"] for row in rows(run.split_path) if row["split"] == "test"}
    assert answers == in_split
    assert {f"test/{name}/{odd}" for name in CLASSES for odd in ODD_IDS} <= answers.keys()


def test_the_files_of_odd_names_can_be_read_by_what_the_data_says(folder: Path, run: Run) -> None:
    test = sightline.load_data(folder).test
    assert test is not None
    assert isinstance(test.images, EncodedImages)
    paths = dict(zip(test.ids, test.images.originals, strict=True))
    for odd_id, odd_name in zip(ODD_IDS, ODD_NAMES, strict=True):
        path = paths[f"test/dog/{odd_id}"]
        assert path.name == odd_name
        assert run.classifier.predict(path).label == "dog"


def test_odd_names_can_be_quarantined(folder: Path, broken: tuple[Broken, ...], tmp_path: Path) -> None:
    remedies = tmp_path / "quarantine.csv"
    with open(remedies, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["path", "action"], *((f"train/dog/{odd}", "leave-out") for odd in ODD_IDS)])
    splits = sightline.load_data(folder, quarantine=remedies)
    left_out = {item.path for item in splits.unused} - {file.id for file in broken}
    assert left_out == {f"train/dog/{odd}" for odd in ODD_IDS}
    assert {f"train/cat/{odd}" for odd in ODD_IDS} <= {*splits.train.ids, *(splits.val.ids if splits.val else ())}
