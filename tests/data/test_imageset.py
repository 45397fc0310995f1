from pathlib import Path

import numpy as np
import pytest
import torch

from sightline.data.images import EncodedImages
from sightline.data.imageset import ArrayImages, CachedImages, ImageSet, Splits
from sightline.data.originals import Files
from sightline.errors import DataError, ImageError


def make_set(**changes: object) -> ImageSet:
    fields = {
        "images": ArrayImages(torch.arange(24, dtype=torch.uint8).reshape(3, 2, 2, 2)),
        "labels": torch.tensor([1, 0, 1]),
        "classes": ("cat", "dog"),
        "ids": ("a", "b", "c"),
        "groups": ("x", "y", ""),
    }
    return ImageSet(**(fields | changes))


def test_take_keeps_images_labels_ids_and_groups_together():
    taken = make_set().take([2, 0])
    assert len(taken) == 2
    assert taken.images.read(0).tolist() == [[[16, 20], [17, 21]], [[18, 22], [19, 23]]]  # image 2 as (H, W, C)
    assert taken.labels.tolist() == [1, 1]
    assert taken.ids == ("c", "a")
    assert taken.groups == ("", "x")
    assert taken.classes == ("cat", "dog")


def test_take_accepts_a_tensor_and_an_empty_list():
    assert make_set().take(torch.tensor([1])).ids == ("b",)
    assert len(make_set().take([])) == 0


def test_counts_name_every_class_also_an_empty_one():
    assert make_set(classes=("cat", "dog", "owl")).counts() == {"cat": 1, "dog": 2, "owl": 0}


def test_lengths_that_differ_are_refused():
    with pytest.raises(DataError, match=r"differ in length: \[2, 3\] \(ImageSet\)"):
        make_set(ids=("a", "b"))


def test_file_images_read_rgb_and_name_a_vanished_file(tmp_path: Path, png: bytes):
    (tmp_path / "0.png").write_bytes(png)
    images = EncodedImages(Files((tmp_path / "0.png", tmp_path / "gone.png")))
    assert images.channels == 3
    assert np.array_equal(images.read(0), np.full((4, 4, 3), (10, 20, 30), dtype=np.uint8))
    assert tuple(images.take(torch.tensor([1])).originals) == (tmp_path / "gone.png",)
    with pytest.raises(ImageError, match=r"gone\.png"):
        images.read(1)


def test_splits_have_the_training_images_classes():
    splits = Splits("pets", make_set(), None, None)
    assert splits.classes == ("cat", "dog")
    assert (splits.unused, splits.note, splits.warnings) == ((), "", ())


def test_cached_images_go_to_a_gpu_where_they_take_up_little_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    cached = CachedImages(EncodedImages(Files("ab")), torch.zeros(3, 1, 4, 4, dtype=torch.uint8), torch.tensor([2, 0]))
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (4 * 32, 10**9))  # they take up a quarter
    assert cached.near(gpu) is cached
    assert (cached.cuts(cpu), cached.cuts(gpu)) == (True, False)
    moved: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (4 * 32 + 1, 10**9))
    monkeypatch.setattr(torch.Tensor, "to", lambda tensor, device: moved.append(device) or tensor)
    assert isinstance(cached.near(gpu), ArrayImages)
    assert moved == [gpu]
    assert cached.near(cpu) is cached
