"""On which images is the classifier better? Slices, and which of them are clearly different."""

import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sightline.data.audit.file_facts import examine
from sightline.data.images import EncodedImages
from sightline.data.imageset import ArrayImages, CachedImages, ImageSet
from sightline.data.originals import Files
from sightline.errors import DataError
from sightline.evaluation.evaluate import Evaluation, score
from sightline.evaluation.intervals import wilson_interval
from sightline.evaluation.slices import Slice, holm, slices

CLASSES = ("cat", "dog")


def evaluation(right: np.ndarray, ids: tuple[str, ...]) -> Evaluation:
    """Answers to images of class 0, right where it is said."""
    return score(np.eye(2, dtype=np.float32)[(~right).astype(int)], np.zeros(len(right), int), CLASSES, ids=ids)


def image_set(pixels: torch.Tensor, groups: tuple[str, ...] = ()) -> ImageSet:
    ids = tuple(map(str, range(len(pixels))))
    return ImageSet(ArrayImages(pixels), torch.zeros(len(pixels), dtype=torch.int64), CLASSES, ids, groups)


def of_kind(parts: tuple[Slice, ...], kind: str) -> list[Slice]:
    return [part for part in parts if part.kind == kind]


def noisy(levels: np.ndarray, side: int = 8) -> torch.Tensor:
    """One grey image a level, with a little noise."""
    noise = np.random.default_rng(1).integers(-5, 6, (len(levels), 1, side, side))
    return torch.from_numpy((levels[:, None, None, None] + noise).clip(0, 255).astype(np.uint8))


def test_dark_images_that_are_missed_are_found() -> None:
    levels = np.linspace(20, 230, 300)
    right = (levels > 90) | (np.arange(300) % 2 == 0)
    images = image_set(noisy(levels))
    dark, middle, bright = of_kind(slices(evaluation(right, images.ids), images), "brightness")
    assert (dark.name, dark.total, dark.correct) == ("darkest third", 100, 50)
    assert (middle.total, middle.correct, bright.correct) == (100, 100, 100)
    assert dark.interval == wilson_interval(50, 100)
    assert dark.accuracy == 0.5
    assert dark.differs
    assert bright.differs


def test_where_nothing_matters_nothing_is_marked() -> None:
    rng = np.random.default_rng(0)
    marked = 0
    for _ in range(40):
        images = image_set(noisy(rng.uniform(20, 230, 300)), tuple(rng.choice(list("abcdef"), 300)))
        parts = slices(evaluation(rng.random(300) < 0.8, images.ids), images)
        assert len(parts) == 6 + 9
        marked += any(part.differs for part in parts)
    assert marked <= 4  # of 40; without the correction it would be 16 or so


def test_the_ten_largest_groups() -> None:
    sizes = {f"p{n:02}": n + 1 for n in range(12)}
    groups = tuple(name for name, count in sizes.items() for _ in range(count)) + ("",) * 5
    images = image_set(noisy(np.full(len(groups), 100.0)), groups)
    largest = of_kind(slices(evaluation(np.ones(len(groups), bool), images.ids), images), "group")
    assert [part.name for part in largest] == [f"p{n:02}" for n in range(11, 1, -1)]
    assert [part.total for part in largest] == list(range(12, 2, -1))
    assert not any(part.differs for part in largest)


def test_files_are_sliced_by_their_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.evaluation.slices.HEADERS", 7)
    paths = []
    for number in range(60):
        side = 20 if number < 30 else 40
        noise = np.random.default_rng(number).integers(0, 256, (side, side + 9, 3), dtype=np.uint8)
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(noise).save(paths[-1])
    (tmp_path / "59.png").write_bytes(b"broken")
    files = EncodedImages(Files(paths))
    ids = tuple(map(str, range(60)))
    images = ImageSet(files, torch.zeros(60, dtype=torch.int64), CLASSES, ids)
    right = np.arange(60) >= 15
    small, large = of_kind(slices(evaluation(right, ids), images), "size")
    assert (small.name, small.total, small.correct) == ("short side 20 pixels", 30, 15)
    assert (large.name, large.total, large.correct) == ("short side 40 pixels", 29, 29)
    # The same files, decoded into a cache that squashed them: their own sizes count.
    cached = CachedImages(files, torch.randint(0, 256, (60, 3, 8, 8), dtype=torch.uint8), torch.arange(60))
    images = ImageSet(cached, images.labels, CLASSES, ids)
    assert of_kind(slices(evaluation(right, ids), images), "size") == [small, large]


def test_many_sizes_are_thirds(tmp_path: Path) -> None:
    paths = []
    for number in range(9):
        paths.append(tmp_path / f"{number}.png")
        Image.new("L", (50, 10 + number)).save(paths[-1])
    ids = tuple(map(str, range(9)))
    images = ImageSet(EncodedImages(Files(paths)), torch.zeros(9, dtype=torch.int64), CLASSES, ids)
    sizes = of_kind(slices(evaluation(np.ones(9, bool), ids), images), "size")
    assert [(part.name, part.total) for part in sizes] == [
        ("short side 10 to 12 pixels", 3),
        ("short side 13 to 15 pixels", 3),
        ("short side 16 to 18 pixels", 3),
    ]


@pytest.mark.parametrize("channels", [1, 3])
def test_images_in_memory_are_measured_like_files(channels: int) -> None:
    """Contrast and sharpness rank the images as the audit's own measures do."""
    rng = np.random.default_rng(0)
    spread = rng.uniform(3, 100, 90)[:, None, None, None]
    pixels = torch.from_numpy((128 + spread * rng.uniform(-1, 1, (90, channels, 9, 7))).astype(np.uint8))
    facts, _ = examine(ArrayImages(pixels))
    for kind in ("brightness", "contrast", "sharpness"):
        values = getattr(facts, kind)
        least = values <= np.sort(values)[29]
        parts = of_kind(slices(evaluation(least, image_set(pixels).ids), image_set(pixels)), kind)
        assert [part.correct for part in parts] == [30, 0, 0]


def test_images_that_look_alike_have_no_thirds() -> None:
    images = image_set(torch.full((30, 1, 4, 4), 7, dtype=torch.uint8))
    assert slices(evaluation(np.ones(30, bool), images.ids), images) == ()


def test_images_are_matched_by_id() -> None:
    levels = np.linspace(20, 230, 30)
    images = image_set(noisy(levels))
    some = tuple(str(n) for n in range(29, -1, -2))  # 15 of 30, in another order
    right = np.array([int(name) < 10 for name in some])
    dark, *_ = of_kind(slices(evaluation(right, some), images), "brightness")
    assert (dark.total, dark.correct) == (5, 5)
    with pytest.raises(DataError, match="1 evaluated images are not in the set, the first is 77: give the images"):
        slices(evaluation(np.ones(1, bool), ("77",)), images)


def test_holm_by_hand() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1, 1]
    assert holm([]) == []


def test_ten_thousand_small_images_take_a_second() -> None:
    rng = np.random.default_rng(0)
    images = image_set(torch.from_numpy(rng.integers(0, 256, (10_000, 1, 28, 28), dtype=np.uint8)))
    said = evaluation(rng.random(10_000) < 0.9, images.ids)
    slices(said, images)  # scipy is imported
    started = time.process_time()
    slices(said, images)
    assert time.process_time() - started < 1
