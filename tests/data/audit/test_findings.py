import dataclasses

import numpy as np
import pytest
import torch

from sightline.data.audit.duplicates import DuplicateGroup
from sightline.data.audit.file_facts import FileFacts, examine
from sightline.data.audit.findings import (
    Finding,
    appearance_findings,
    class_findings,
    duplicate_findings,
    file_findings,
    shortcut_findings,
)
from sightline.data.audit.shortcuts import ALL, Shortcut
from sightline.data.imageset import ArrayImages, ImageSet, Unused


def images_of(counts: dict[str, int]) -> ImageSet:
    """Black squares: so many of each class."""
    labels = torch.tensor([label for label, count in enumerate(counts.values()) for _ in range(count)])
    pixels = torch.zeros((len(labels), 1, 4, 4), dtype=torch.uint8)
    ids = tuple(str(index) for index in range(len(labels)))
    return ImageSet(ArrayImages(pixels), labels, tuple(counts), ids)


def said(findings) -> dict[str, tuple[str, str]]:
    """Severity and sentence by kind."""
    return {finding.kind: (finding.severity, finding.what) for finding in findings}


def test_files_that_take_no_part():
    unused = (
        Unused("cat/a.jpg", "empty file"),
        Unused("cat/b.jpg", "empty file"),
        Unused("dog/c.jpg", "a HEIC photo"),
        Unused(".DS_Store", "hidden", "hidden"),
        Unused("notes.txt", "not in a class folder", "beside"),
        Unused("dog/d.jpg", "left out by quarantine.csv", "quarantined"),
    )
    findings = list(file_findings(unused))
    assert said(findings) == {
        "unusable": ("warning", "3 files cannot be used: 2 x empty file; 1 x a HEIC photo"),
        "hidden": ("info", "1 file not used: 1 x hidden"),
        "beside": ("info", "1 file not used: 1 x not in a class folder"),
        "quarantined": ("info", "1 file not used: 1 x left out by quarantine.csv"),
    }
    assert next(f for f in findings if f.kind == "unusable").images == ("cat/a.jpg", "cat/b.jpg", "dog/c.jpg")
    assert list(file_findings(())) == []


def test_the_words_of_a_reason_do_not_tell_its_kind():
    unused = (
        Unused("cat/a.jpg", "left out by its maker: not in a class folder"),
        Unused("cat/b.jpg", "set aside: a drawing", "quarantined"),
        Unused("cat/.c.jpg", "its name begins with a dot", "hidden"),
        Unused("raw", "no folder of images", "beside"),
    )
    assert said(file_findings(unused)) == {
        "unusable": ("warning", "1 file cannot be used: 1 x left out by its maker: not in a class folder"),
        "quarantined": ("info", "1 file not used: 1 x set aside: a drawing"),
        "hidden": ("info", "1 file not used: 1 x its name begins with a dot"),
        "beside": ("info", "1 file not used: 1 x no folder of images"),
    }


def test_even_classes_are_no_finding():
    images = images_of({"a": 20, "b": 40})
    assert list(class_findings(images, [""] * 60)) == []


@pytest.mark.parametrize(("largest", "severity"), [(60, "info"), (200, "warning")])
def test_imbalance(largest: int, severity: str):
    sentences = said(class_findings(images_of({"a": 20, "b": largest}), [""] * (20 + largest)))
    ratio = largest // 20
    sentence = f"the largest class has {ratio} times as many images as the smallest: b has {largest}, a 20"
    assert sentences == {"imbalance": (severity, sentence)}


def test_too_few_images_of_a_class():
    images = images_of({"a": 2, "b": 5, "c": 25})
    findings = list(class_findings(images, [""] * 32))
    assert [(f.severity, f.what) for f in findings if f.kind == "few-images"] == [
        ("error", "1 class (a) has fewer than 3 images, too few for training, validation and test"),
        ("warning", "1 class (b (5)) has fewer than 20 images to learn from"),
    ]


def test_only_training_images_count():
    images = images_of({"a": 30, "b": 30})
    splits = ["train"] * 25 + ["test"] * 5 + ["train"] * 2 + ["test"] * 28
    sentences = said(class_findings(images, splits))
    assert sentences["imbalance"][0] == "warning"
    assert sentences["few-images"] == ("warning", "1 class (b (2)) has fewer than 20 images to learn from")


def test_one_class_is_an_error():
    assert said(class_findings(images_of({"a": 30}), [""] * 30))["few-classes"][0] == "error"


@pytest.fixture
def facts() -> FileFacts:
    """Facts of 100 photos that are all much alike."""
    draw = np.random.default_rng(0)
    plain, _ = examine(ArrayImages(torch.zeros((100, 1, 4, 4), dtype=torch.uint8)))
    return dataclasses.replace(
        plain,
        width=np.full(100, 400, dtype=np.int32),
        height=np.full(100, 300, dtype=np.int32),
        grey=np.zeros(100, dtype=np.bool_),
        contrast=np.full(100, 50, dtype=np.float32),
        brightness=np.clip(draw.normal(120, 20, 100), 70, 170).astype(np.float32),
        sharpness=np.clip(draw.normal(0.5, 0.1, 100), 0.3, 0.7).astype(np.float32),
    )


def test_images_much_alike_are_no_finding(facts: FileFacts):
    assert list(appearance_findings(images_of({"a": 100}), facts)) == []


@pytest.mark.parametrize(
    ("column", "value", "kind", "severity"),
    [
        ("width", 60, "tiny", "info"),
        ("width", 1600, "oblong", "info"),
        ("rotated", True, "rotated", "info"),
        ("grey", True, "grey", "info"),
        ("contrast", 0.5, "blank", "warning"),
        ("brightness", 4, "dark", "info"),
        ("brightness", 250, "bright", "info"),
        ("sharpness", 0.01, "blurred", "info"),
    ],
)
def test_one_image_unlike_the_others(facts: FileFacts, column: str, value: float, kind: str, severity: str):
    changed = getattr(facts, column).copy()
    changed[42] = value
    findings = list(appearance_findings(images_of({"a": 100}), dataclasses.replace(facts, **{column: changed})))
    assert kind in said(findings)
    finding = next(f for f in findings if f.kind == kind)
    assert (finding.severity, finding.images) == (severity, ("42",))


def test_what_many_images_are_is_no_exception(facts: FileFacts):
    half = np.arange(100) % 2 == 0
    changed = dataclasses.replace(facts, grey=half, width=np.where(half, 1600, 400).astype(np.int32))
    assert list(appearance_findings(images_of({"a": 100}), changed)) == []


def test_copies_across_labels_and_splits():
    images = images_of({"a": 4, "b": 6})
    splits = ["train"] * 3 + ["test"] + ["train"] * 5 + ["test"]
    groups = (
        DuplicateGroup((0, 4), "exact"),  # a and b, both in training
        DuplicateGroup((1, 3), "exact"),  # a, training and test
        DuplicateGroup((5, 6), "exact"),  # b, both in training
        DuplicateGroup((2, 9), "near"),  # a and b, training and test
        DuplicateGroup((7, 8), "near"),
    )
    findings = list(duplicate_findings(images, splits, groups))
    assert [(f.severity, f.kind, f.groups) for f in findings] == [
        ("error", "conflicting-labels", (("0", "4"),)),
        ("error", "leak", (("1", "3"),)),
        ("info", "duplicates", (("5", "6"),)),
        ("warning", "conflicting-labels", (("2", "9"),)),
        ("warning", "leak", (("2", "9"),)),
        ("info", "duplicates", (("7", "8"),)),
    ]
    leak = "1 group (2 images) of exact copies across the splits: 1 held-out image with a copy in another split"
    assert findings[1].what == leak
    assert findings[1].images == ("1", "3")
    assert list(duplicate_findings(images, splits, ())) == []


def test_shortcuts_strong_and_weak():
    findings = list(
        shortcut_findings(
            (
                Shortcut("camera", 0.9, 0.85, 0.95, 0.1),
                Shortcut("mean colour", 0.25, 0.2, 0.3, 0.1),
                Shortcut("aspect ratio", 0.22, 0.2, 0.3, 0.1),
                Shortcut("file size", 0.12, 0.05, 0.2, 0.1),
                Shortcut(ALL, 0.95, 0.9, 0.98, 0.1),
            )
        )
    )
    hint = "a network may learn this instead of the subject: mix the sources of every class"
    assert findings == [
        Finding(
            "warning",
            "shortcut",
            "camera alone tells the class of 90 % (85 to 95) of the images; chance is 10 %",
            hint=hint,
        ),
        Finding(
            "info",
            "shortcut",
            "a little of the class can be told from mean colour (25 %), aspect ratio (22 %); chance is 10 %",
        ),
    ]
