import dataclasses

import numpy as np
import pytest
import torch

from sightline.data.audit.file_facts import FileFacts, examine
from sightline.data.audit.shortcuts import ALL, Shortcut, measure_shortcuts
from sightline.data.imageset import ArrayImages


def facts_of(count: int, **columns: np.ndarray) -> FileFacts:
    """Facts of `count` grey squares, with the given columns in place of the measured ones."""
    facts, _ = examine(ArrayImages(torch.zeros((count, 1, 4, 4), dtype=torch.uint8)))
    return dataclasses.replace(facts, **columns)


def by_fact(shortcuts: tuple[Shortcut, ...]) -> dict[str, Shortcut]:
    return {shortcut.fact: shortcut for shortcut in shortcuts}


def test_a_camera_for_each_class_is_found_and_named() -> None:
    labels = np.arange(200) % 4
    sizes = np.random.default_rng(0).integers(10_000, 90_000, 200)
    facts = facts_of(200, camera=labels.astype(np.int16), file_bytes=sizes)
    shortcuts = measure_shortcuts(facts, labels)
    assert [shortcut.fact for shortcut in shortcuts] == ["camera", "file size", ALL]  # the rest never varies
    camera, size = shortcuts[:2]
    assert camera.accuracy == 1
    assert camera.chance == 0.25
    assert camera.is_strong
    assert not size.is_clear


@pytest.mark.parametrize("seed", range(10))
def test_noise_is_no_shortcut(seed: int) -> None:
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 10, 500)
    facts = facts_of(
        500,
        file_bytes=draw.integers(10_000, 90_000, 500),
        width=draw.integers(100, 900, 500).astype(np.int32),
        height=draw.integers(100, 900, 500).astype(np.int32),
        camera=draw.integers(0, 5, 500).astype(np.int16),
        mean_color=draw.uniform(0, 255, (500, 3)).astype(np.float32),
        border_color=draw.uniform(0, 255, (500, 3)).astype(np.float32),
    )
    shortcuts = measure_shortcuts(facts, labels)
    assert len(shortcuts) == 7
    assert not any(shortcut.is_clear for shortcut in shortcuts)


def test_a_class_of_its_own_size_in_many_classes() -> None:
    # One class of two is told by its compression: every image of class 0 is small, those of class 1 are of any size.
    draw = np.random.default_rng(0)
    labels = np.repeat([0, 1], 300)
    sizes = np.where(labels == 0, draw.integers(10_000, 20_000, 600), draw.integers(10_000, 90_000, 600))
    size = by_fact(measure_shortcuts(facts_of(600, file_bytes=sizes), labels))["file size"]
    assert size.accuracy == pytest.approx((1 + 7 / 8) / 2, abs=0.04)  # the best there is
    assert size.low < size.accuracy < size.high


def test_imbalance_alone_is_no_shortcut() -> None:
    labels = np.array([0] * 380 + [1] * 20)
    sizes = np.random.default_rng(0).integers(10_000, 90_000, 400)
    size = measure_shortcuts(facts_of(400, file_bytes=sizes), labels)[0]
    assert size.chance == 0.5
    assert not size.is_clear


def test_groups_are_tested_together() -> None:
    # Every group (a product, say) has a file size of its own, which says nothing about the class of another.
    draw = np.random.default_rng(0)
    group = np.repeat(np.arange(60), 10)
    labels = draw.integers(0, 2, 60)[group]
    facts = facts_of(600, file_bytes=draw.permutation(60)[group] * 1000 + 10_000)
    assert measure_shortcuts(facts, labels)[0].is_clear
    assert not measure_shortcuts(facts, labels, groups=[f"product {i}" for i in group])[0].is_clear


def test_colour_may_be_the_subject() -> None:
    common = {"accuracy": 0.75, "low": 0.7, "high": 0.8, "chance": 0.5}
    assert Shortcut("camera", **common).lift == 0.5
    assert Shortcut("camera", **common).is_strong
    assert not Shortcut("mean colour", **common).is_strong
    assert Shortcut("mean colour", **common).is_clear


def test_nothing_to_tell_apart() -> None:
    assert measure_shortcuts(facts_of(10), np.zeros(10, dtype=np.int64)) == ()
    assert measure_shortcuts(facts_of(10), np.arange(10)) == ()  # one image a class
    assert measure_shortcuts(facts_of(10), np.arange(10) % 2) == ()  # nothing varies


def test_a_class_with_a_single_image_is_left_out() -> None:
    labels = np.array([0, 1] * 50 + [2])
    shortcuts = measure_shortcuts(facts_of(101, camera=labels.astype(np.int16)), labels)
    assert (shortcuts[0].chance, shortcuts[0].accuracy) == (0.5, 1)
