from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.data.imageset import ArrayImages, ImageSet, Splits
from sightline.data.split import (
    ManifestRow,
    hold_out,
    manifest_rows,
    parse_share,
    read_manifest,
    require_readable,
    write_manifest,
)
from sightline.errors import ConfigError, DataError, StorageError


def make_set(counts: list[int], groups: list[str] | None = None, *, order: list[int] | None = None) -> ImageSet:
    """Images of len(counts) classes; image i has the single pixel value i modulo 256 and the id "i"."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    total = len(labels)
    images = ImageSet(
        images=ArrayImages((torch.arange(total) % 256).to(torch.uint8).reshape(-1, 1, 1, 1)),
        labels=labels,
        classes=tuple(f"class{i}" for i in range(len(counts))),
        ids=tuple(f"{i:05}" for i in range(total)),
        groups=tuple(groups or ()),
    )
    return images.take(order) if order else images


@pytest.mark.parametrize(
    ("val", "share"), [(None, 0.1), ("0.1", 0.1), ("10%", 0.1), (" 25 % ", 0.25), (0.2, 0.2), (0, 0.0), ("0", 0.0)]
)
def test_parse_share(val: str | float | None, share: float):
    assert parse_share(val) == pytest.approx(share)


@pytest.mark.parametrize("val", ["ten", "", "-0.1", 1, "100%", "nan", "inf", "%"])
def test_parse_share_refuses_what_is_no_share(val: str | float):
    with pytest.raises(ConfigError) as error:
        parse_share(val)
    assert str(error.value) == f"val is '{val}': use a share of the training images, e.g. 0.1 or 10%, or 0 for none"


def test_held_out_counts_follow_largest_remainders():
    # A tenth of 26, 15 and 19 is 2.6, 1.5 and 1.9; of the 6 in all, 2 + 1 + 1 are whole, and 0.9 and 0.6 are largest.
    rest, held = hold_out(make_set([26, 15, 19]), 0.1, seed=0, purpose="validation")
    assert held.counts() == {"class0": 3, "class1": 1, "class2": 2}
    assert len(rest) == 54


def test_every_class_is_on_both_sides_even_when_tiny():
    rest, held = hold_out(make_set([2, 2, 40]), 0.1, seed=0, purpose="validation")
    assert (rest.counts()["class0"], held.counts()["class0"]) == (1, 1)
    rest, held = hold_out(make_set([2, 4]), 0.95, seed=0, purpose="validation")
    assert rest.counts() == {"class0": 1, "class1": 1}


def test_images_and_labels_stay_with_their_ids():
    rest, held = hold_out(make_set([30, 20]), 0.3, seed=5, purpose="test")
    for part in (rest, held):
        assert part.images.pixels.flatten().tolist() == [int(name) for name in part.ids]
        assert part.labels.tolist() == [int(int(name) >= 30) for name in part.ids]
        assert list(part.ids) == sorted(part.ids)


def test_the_seed_decides():
    chosen = {hold_out(make_set([50, 50]), 0.1, seed=seed, purpose="validation")[1].ids for seed in (0, 0, 1, 2)}
    assert len(chosen) == 3


def test_which_ids_are_held_out_is_pinned_for_all_time():
    # A later release that changes this would put images a run was trained on into its validation and test sets.
    assert hold_out(make_set([10, 10]), 0.2, seed=0, purpose="test")[1].ids == ("00003", "00008", "00013", "00017")


def test_the_order_on_disk_does_not_matter():
    order = np.random.default_rng(0).permutation(100).tolist()
    listed = hold_out(make_set([60, 40]), 0.2, seed=3, purpose="test")
    shuffled = hold_out(make_set([60, 40], order=order), 0.2, seed=3, purpose="test")
    assert [part.ids for part in listed] == [part.ids for part in shuffled]
    assert torch.equal(listed[0].images.pixels, shuffled[0].images.pixels)


def test_an_added_image_moves_at_most_one_other():
    before = set(hold_out(make_set([0, 100]), 0.1, seed=0, purpose="test")[1].ids)
    after = set(hold_out(make_set([0, 101]), 0.1, seed=0, purpose="test")[1].ids)
    assert len(before ^ after) <= 2


def test_a_class_with_one_image_is_named_with_the_remedy():
    with pytest.raises(DataError) as error:
        hold_out(make_set([5, 1]), 0.1, seed=0, purpose="validation")
    assert str(error.value) == (
        "class 'class1' has only 1 image, and needs one for each of training and validation: "
        "add images to it or take it out, or train without validation: --val 0"
    )


@given(
    counts=st.lists(st.integers(2, 40), min_size=2, max_size=5),
    share=st.floats(0.01, 0.9),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60)
def test_splits_are_complete_disjoint_and_stratified(counts: list[int], share: float, seed: int):
    images = make_set(counts)
    rest, held = hold_out(images, share, seed=seed, purpose="test")
    assert sorted(rest.ids + held.ids) == list(images.ids)
    for count, number in zip(counts, held.counts().values(), strict=True):
        assert 1 <= number <= count - 1
        assert abs(number - share * count) <= 1 or number in (1, count - 1)


@given(
    members=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 14)), min_size=20, max_size=150),
    share=st.floats(0.05, 0.5),
    seed=st.integers(0, 100),
)
@settings(max_examples=60)
def test_groups_are_whole_and_no_class_leaves_training(members: list[tuple[int, int]], share: float, seed: int):
    members = sorted([*members, *((label, 90 + 10 * label + i) for label in range(3) for i in range(2))])
    counts = [sum(label == wanted for label, _ in members) for wanted in range(3)]
    images = make_set(counts, [f"g{group}" for _, group in members])
    rest, held = hold_out(images, share, seed=seed, purpose="test")
    assert len(held) > 0
    assert len(rest) + len(held) == len(images)
    assert not set(rest.groups) & set(held.groups)
    assert all(rest.counts().values())


def test_even_groups_meet_the_shares_closely():
    generator = np.random.default_rng(0)
    labels = np.sort(generator.integers(0, 4, 2000))
    groups = [f"patient{i}" for i in generator.integers(0, 200, 2000)]
    images = make_set(np.bincount(labels).tolist(), groups)
    for seed in range(5):
        _, held = hold_out(images, 0.2, seed=seed, purpose="test")
        for name, count in images.counts().items():
            assert held.counts()[name] == pytest.approx(0.2 * count, abs=0.01 * count)


def test_groups_depend_on_the_seed_but_not_on_the_order():
    groups = [f"g{i // 3}" for i in range(120)]
    order = np.random.default_rng(1).permutation(120).tolist()
    listed = hold_out(make_set([60, 60], groups), 0.2, seed=0, purpose="test")[1]
    assert listed.ids == hold_out(make_set([60, 60], groups, order=order), 0.2, seed=0, purpose="test")[1].ids
    assert listed.ids != hold_out(make_set([60, 60], groups), 0.2, seed=1, purpose="test")[1].ids


def test_images_without_a_group_are_groups_of_their_own():
    _, held = hold_out(make_set([50, 50], ["all"] * 10 + [""] * 90), 0.2, seed=0, purpose="test")
    assert 18 <= len(held) <= 22
    assert Counter(held.groups)["all"] in (0, 10)


@pytest.mark.parametrize("groups", [["g"] * 8, ["cats"] * 4 + ["dogs"] * 4])
def test_groups_that_cannot_be_parted_are_an_error(groups: list[str]):
    count = len(set(groups))
    with pytest.raises(DataError) as error:
        hold_out(make_set([4, 4], groups), 0.2, seed=0, purpose="test")
    assert str(error.value) == (
        f"none of the {count} groups can be held out for test without taking a whole class: "
        "add groups, or say in a CSV's split column which images are for what"
    )


def make_splits() -> Splits:
    images = make_set([2, 2], ["g", "", "h,i", ""])
    return Splits("pets", images.take([0, 2]), images.take([1]), images.take([3]))


def test_manifest_rows_come_by_split():
    assert list(manifest_rows(make_splits())) == [
        ManifestRow("00000", "class0", "train", "g"),
        ManifestRow("00002", "class1", "train", "h,i"),
        ManifestRow("00001", "class0", "val", ""),
        ManifestRow("00003", "class1", "test", ""),
    ]


def test_the_manifest_is_plain_csv_and_comes_back(tmp_path: Path):
    write_manifest(make_splits(), tmp_path / "split.csv")
    text = (tmp_path / "split.csv").read_text()
    assert text.splitlines()[:3] == ["id,label,split,group", "00000,class0,train,g", '00002,class1,train,"h,i"']
    assert read_manifest(tmp_path / "split.csv") == tuple(manifest_rows(make_splits()))


def test_a_class_may_lose_images_but_not_all():
    require_readable({"cat": 3, "dog": 1, "yak": 0}, {"cat": 1, "dog": 1, "yak": 0})
    with pytest.raises(DataError) as error:
        require_readable({"cat": 3, "dog": 1, "emu": 2}, {"cat": 3})
    assert str(error.value) == (
        "no training image of class 'dog' can be read (nor of 1 more: emu): replace its files or remove the class"
    )


def test_odd_names_survive_the_manifest(tmp_path: Path):
    images = make_set([1])
    odd = ImageSet(images.images, images.labels, ('a "b",c',), ("ä\n,;é.png",))
    write_manifest(Splits("odd", odd, None, None), tmp_path / "split.csv")
    assert read_manifest(tmp_path / "split.csv") == (ManifestRow("ä\n,;é.png", 'a "b",c', "train", ""),)


def test_a_manifest_cannot_be_written_into_a_missing_folder(tmp_path: Path):
    with pytest.raises(StorageError, match="cannot write"):
        write_manifest(make_splits(), tmp_path / "missing" / "split.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"is not a split manifest: its first line should be id,label,split,group"),
        ("name,label\n", r"is not a split manifest"),
        ("id,label,split,group\na,cat,train,\nb,cat,trian,\n", r"row 3 is not id, label, split and group"),
        ("id,label,split,group\na,cat\n", r"row 2 is not id, label, split and group"),
    ],
)
def test_a_damaged_manifest_is_named(tmp_path: Path, text: str, message: str):
    (tmp_path / "split.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_manifest(tmp_path / "split.csv")


def test_a_missing_manifest_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"cannot read the split manifest .*split\.csv"):
        read_manifest(tmp_path / "split.csv")
