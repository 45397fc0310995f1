"""Which images an augmentation sheet shows, and where it is written."""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sightline.commands.preview import COLUMNS, _of_every_class, write_augmentation_sheet
from sightline.data.imageset import ArrayImages, ImageSet
from sightline.errors import ConfigError, DataError

Photos = Callable[[Mapping[str, int]], Path]


def images_of(counts: Mapping[str, int]) -> ImageSet:
    labels = torch.tensor([label for label, count in enumerate(counts.values()) for _ in range(count)])
    ids = tuple(map(str, range(len(labels))))
    return ImageSet(ArrayImages(torch.zeros(len(labels), 1, 4, 4, dtype=torch.uint8)), labels, tuple(counts), ids)


def test_classes_take_turns() -> None:
    preview = _of_every_class(images_of({"a": 50, "b": 2, "c": 1}), seed=0)
    assert len(preview) == COLUMNS == 8
    assert preview.counts() == {"a": 5, "b": 2, "c": 1}
    assert Counter(preview.labels[:3].tolist()) == Counter([0, 1, 2])  # one of each comes first


def test_of_many_classes_each_is_shown_once() -> None:
    preview = _of_every_class(images_of(dict.fromkeys("abcdefghijkl", 3)), seed=1)
    assert max(preview.counts().values()) == 1


def test_the_seed_chooses_the_images() -> None:
    many = images_of({"a": 40, "b": 40})
    assert _of_every_class(many, seed=0).ids == _of_every_class(many, seed=0).ids
    assert _of_every_class(many, seed=0).ids != _of_every_class(many, seed=1).ids


def test_the_sheet_is_named_after_the_data(photos: Photos, tmp_path: Path) -> None:
    root = photos({"cat": 12, "dog": 12})
    path = write_augmentation_sheet(root, tmp_path / "sheets" / "new", recipe="textbook")
    assert path == tmp_path / "sheets" / "new" / "photos-augmentation.png"
    with Image.open(path) as sheet:
        pixels = np.asarray(sheet.convert("RGB")).reshape(-1, 3)
    assert (pixels == (10, 20, 30)).all(axis=1).any()  # the colour of every photo: this recipe varies nothing


def test_an_unknown_recipe_or_data_writes_nothing(photos: Photos, tmp_path: Path) -> None:
    root = photos({"cat": 12, "dog": 12})
    with pytest.raises(ConfigError, match="there is no recipe named 'fast'"):
        write_augmentation_sheet(root, tmp_path / "sheets", recipe="fast")
    with pytest.raises(DataError, match="there is no folder or file"):
        write_augmentation_sheet(root / "gone", tmp_path / "sheets")
    assert not (tmp_path / "sheets").exists()
