"""Training images that are copies of held-out ones leave the training; held-out images stay."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from sightline.data.audit.duplicates import DuplicateGroup
from sightline.data.audit.leaks import without_leaks
from sightline.data.images import EncodedImages
from sightline.data.imageset import ImageSet, Splits, Unused
from sightline.data.originals import Files
from sightline.errors import DataError

NAMES = ("t0", "t1", "t2", "t3", "v0", "v1", "e0", "e1")  # training, validation and test images; classes alternate


def image_set(names: Sequence[str]) -> ImageSet:
    labels = torch.tensor([int(name[1]) % 2 for name in names])
    return ImageSet(EncodedImages(Files(map(Path, names))), labels, ("even", "odd"), tuple(names))


def splits() -> Splits:
    train, val, test = (image_set([name for name in NAMES if name[0] == kind]) for kind in "tve")
    return Splits("drawn", train, val, test, unused=(Unused("x", "empty file"),), warnings=("a warning",))


def copies(*names: str) -> DuplicateGroup:
    return DuplicateGroup(tuple(sorted(map(NAMES.index, names))), "exact")


def cleaned(*groups: DuplicateGroup) -> Splits:
    return without_leaks(splits(), groups, image_set(NAMES))


def ids(images: ImageSet | None) -> tuple[str, ...]:
    return images.ids if images else ()


def test_a_training_image_that_the_test_has_leaves() -> None:
    rest = cleaned(copies("t1", "e0"))
    assert (ids(rest.train), ids(rest.val), ids(rest.test)) == (("t0", "t2", "t3"), ("v0", "v1"), ("e0", "e1"))
    assert rest.train.labels.tolist() == [0, 0, 1]
    assert rest.unused == (Unused("x", "empty file"), Unused("t1", "duplicate of e0, which is held out", "copy"))
    assert rest.warnings == (
        "a warning",
        "1 image is a duplicate of a held-out one, so the network is not trained with it",
    )


def test_of_a_group_in_all_splits_the_test_keeps_its_images() -> None:
    rest = cleaned(copies("t0", "v1", "e1"), copies("t3", "v0"))
    assert (ids(rest.train), ids(rest.val), ids(rest.test)) == (("t1", "t2"), ("v0",), ("e0", "e1"))
    assert rest.unused[1:] == (
        Unused("t0", "duplicate of e1, which is held out", "copy"),
        Unused("v1", "duplicate of e1, which is held out", "copy"),
        Unused("t3", "duplicate of v0, which is held out", "copy"),
    )
    assert rest.warnings[1] == ("3 images are duplicates of held-out ones, so the network is not trained with them")


def test_copies_within_one_split_are_nobodys_leak() -> None:
    assert cleaned(copies("t0", "t2"), copies("e0", "e1")).unused == splits().unused
    unchanged = splits()
    assert without_leaks(unchanged, [], image_set(NAMES)) is unchanged


def test_validation_images_that_all_leave_leave_no_validation() -> None:
    assert cleaned(copies("v0", "e0"), copies("v1", "e1")).val is None


def test_a_class_that_would_lose_all_its_images_is_named() -> None:
    with pytest.raises(DataError) as caught:
        cleaned(copies("t1", "e0"), copies("t3", "v0"))
    assert str(caught.value) == (
        "every training image of class 'odd' is a duplicate of a held-out one: remove the copies from one of the splits"
    )
    with pytest.raises(DataError, match=r"^every training image is a duplicate of a held-out one: "):
        cleaned(copies("t0", "t1", "t2", "t3", "e0"))
