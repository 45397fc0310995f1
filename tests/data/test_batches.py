"""Batches as a pure function of seed and step, and images brought into memory once."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from sightline.config import AugmentConfig
from sightline.data.batches import Batches, pixel_source, readable, to_resident
from sightline.data.images import EncodedImages
from sightline.data.imageset import ArrayImages, CachedImages, ImageSet
from sightline.data.originals import Files
from sightline.errors import DataError
from sightline.pixels.preprocess import Preprocess

VARIED = AugmentConfig(flip="random", shift=1, rotate=5, erase=0.5)


def numbered(count: int) -> tuple[Tensor, Tensor]:
    """Image i is all i and has label 2 i: uint8 (N, 1, 4, 4) and int64 (N,)."""
    values = torch.arange(count)
    return values.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, 1, 4, 4).contiguous(), 2 * values


def make(
    count: int = 10, size: int = 4, *, augment: AugmentConfig | None = None, seed: int = 0, drop_last: bool = False
) -> Batches:
    images, labels = numbered(count)
    varied = augment or AugmentConfig()
    return Batches(ArrayImages(images), labels, batch_size=size, augment=varied, seed=seed, drop_last=drop_last)


def preprocess(size: int = 4, channels: int = 3) -> Preprocess:
    return Preprocess(size=(size, size), channels=channels, mean=(0.5,) * channels, std=(0.25,) * channels)


def file_set(paths: list[Path]) -> ImageSet:
    return ImageSet(
        images=EncodedImages(Files(paths)),
        labels=torch.arange(len(paths)) % 2,
        classes=("even", "odd"),
        ids=tuple(path.name for path in paths),
    )


def array_set(pixels: Tensor) -> ImageSet:
    count = len(pixels)
    return ImageSet(ArrayImages(pixels), torch.zeros(count, dtype=torch.int64), ("one",), tuple(map(str, range(count))))


def flat_files(folder: Path, count: int) -> list[Path]:
    """PNG files of 8 x 6 pixels; file i is all 10 i."""
    paths = [folder / f"{index:02}.png" for index in range(count)]
    for index, path in enumerate(paths):
        Image.new("RGB", (8, 6), (10 * index,) * 3).save(path)
    return paths


def test_images_labels_and_indices_belong_together() -> None:
    batch = make().batch(0)
    assert batch.images.shape == (4, 1, 4, 4)
    assert batch.images.dtype == torch.uint8
    assert batch.labels.dtype == torch.int64
    assert torch.equal(batch.labels, 2 * batch.indices)
    assert torch.equal(batch.images[:, 0, 0, 0].to(torch.int64), batch.indices)


def test_every_epoch_shows_every_image_once_in_an_order_of_its_own() -> None:
    dealt = make(10, 4)
    assert dealt.steps_per_epoch == 3
    orders = []
    for epoch in range(3):
        steps = [dealt.batch(3 * epoch + position).indices for position in range(3)]
        assert [len(indices) for indices in steps] == [4, 4, 2]
        orders.append(torch.cat(steps).tolist())
        assert sorted(orders[-1]) == list(range(10))
    assert orders[0] != orders[1] != orders[2]


def test_drop_last_leaves_the_short_batch_out() -> None:
    dealt = make(10, 4, drop_last=True)
    assert dealt.steps_per_epoch == 2
    assert [len(dealt.batch(step).indices) for step in range(6)] == [4] * 6
    indices = torch.cat([dealt.batch(step).indices for step in range(40)])
    assert set(indices.tolist()) == set(range(10))  # over epochs nobody is left out


@pytest.mark.parametrize("drop_last", [False, True])
def test_a_small_set_is_one_batch(drop_last: bool) -> None:
    dealt = make(3, 100, drop_last=drop_last)
    assert dealt.steps_per_epoch == 1
    assert sorted(dealt.batch(7).indices.tolist()) == [0, 1, 2]


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    forwards, backwards = make(augment=VARIED), make(augment=VARIED)
    first = [forwards.batch(step) for step in range(9)]
    for step in reversed(range(9)):
        again = backwards.batch(step)
        assert torch.equal(again.images, first[step].images)
        assert torch.equal(again.indices, first[step].indices)


def test_the_global_generator_neither_matters_nor_changes() -> None:
    torch.manual_seed(1)
    first = make(augment=VARIED).batch(5)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert torch.equal(make(augment=VARIED).batch(5).images, first.images)
    assert torch.equal(torch.get_rng_state(), state)


def test_seeds_and_epochs_differ_in_order_and_in_augmentation() -> None:
    assert make(seed=0).batch(0).indices.tolist() != make(seed=1).batch(0).indices.tolist()
    # The whole set is one batch: sorted by index, only the augmentation is left to differ.
    dealt = make(10, 10, augment=AugmentConfig(erase=1))
    epochs = [dealt.batch(step) for step in (0, 1)]
    by_index = [batch.images[batch.indices.argsort()] for batch in epochs]
    assert not torch.equal(by_index[0], by_index[1])


def test_the_batches_of_one_epoch_are_varied_differently() -> None:
    images = torch.zeros(8, 1, 6, 6, dtype=torch.uint8)
    dealt = Batches(ArrayImages(images), torch.zeros(8), batch_size=4, augment=AugmentConfig(erase=1), seed=0)
    assert not torch.equal(dealt.batch(0).images, dealt.batch(1).images)


def test_alternating_flip_follows_the_epoch() -> None:
    images = torch.arange(16, dtype=torch.uint8).view(1, 1, 4, 4).expand(6, -1, -1, -1)
    dealt = Batches(
        ArrayImages(images), torch.zeros(6), batch_size=4, augment=AugmentConfig(flip="alternating"), seed=0
    )
    epochs: list[dict[int, Tensor]] = []
    for epoch in (0, 1):
        both = [dealt.batch(2 * epoch), dealt.batch(2 * epoch + 1)]
        epochs.append({int(i): image for batch in both for i, image in zip(batch.indices, batch.images, strict=True)})
    for index in range(6):
        assert torch.equal(epochs[0][index], epochs[1][index].flip(-1))


@pytest.mark.parametrize(("images", "labels"), [(0, 0), (3, 2)])
def test_images_without_labels_are_refused(images: int, labels: int) -> None:
    with pytest.raises(DataError, match=f"{images} images and {labels} labels"):
        Batches(ArrayImages(numbered(images)[0]), numbered(labels)[1], batch_size=2, augment=AugmentConfig(), seed=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_batches_on_a_gpu() -> None:
    images, labels = numbered(10)
    config = AugmentConfig(flip="random", shift=1, rotate=5, brightness=0.2, erase=0.5, cutout=2, policy="trivial")
    dealt = Batches(ArrayImages(images), labels, batch_size=4, augment=config, seed=0, device="cuda")
    batch = dealt.batch(1)
    assert batch.images.is_cuda
    assert batch.labels.is_cuda
    assert torch.equal(batch.images, dealt.batch(1).images)
    assert torch.equal(batch.indices.cpu(), make().batch(1).indices)  # the order is the CPU's


def test_arrays_of_the_right_shape_are_not_copied() -> None:
    pixels = torch.zeros(5, 3, 4, 4, dtype=torch.uint8)
    image_set = array_set(pixels)
    assert to_resident(image_set, preprocess()) is pixels
    rest, images, unused = readable(image_set, preprocess())
    assert rest is image_set
    assert images is pixels
    assert unused == ()


def test_arrays_of_another_shape_are_resized_and_recoloured() -> None:
    values = torch.tensor([10, 200], dtype=torch.uint8).view(2, 1, 1, 1)
    images = to_resident(array_set(values.expand(2, 1, 8, 6).contiguous()), preprocess(4, 3))
    assert torch.equal(images, values.expand(2, 3, 4, 4))


def test_files_are_decoded_in_order(tmp_path: Path) -> None:
    images = to_resident(file_set(flat_files(tmp_path, 20)), preprocess())
    assert images.shape == (20, 3, 4, 4)
    assert images.dtype == torch.uint8
    assert images[:, 0, 0, 0].tolist() == [10 * index for index in range(20)]
    assert torch.equal(images, images[:, :1, :1, :1].expand_as(images))


def test_unreadable_files_are_named_up_to_ten(tmp_path: Path) -> None:
    paths = flat_files(tmp_path, 14)
    for path in paths[1:13]:
        path.write_bytes(b"")
    with pytest.raises(DataError) as caught:
        to_resident(file_set(paths), preprocess())
    message = str(caught.value)
    assert message.startswith(f"12 of 14 images cannot be read: {paths[1].name}: the file is empty; {paths[2].name}: ")
    assert message.endswith("the file is empty; and 2 more: remove or replace these files")
    assert paths[10].name in message
    assert paths[11].name not in message


def test_readable_keeps_the_good_and_lists_the_bad(tmp_path: Path) -> None:
    paths = flat_files(tmp_path, 5)
    paths[1].write_bytes(b"")
    paths[3].unlink()
    rest, images, unused = readable(file_set(paths), preprocess())
    assert rest.ids == ("00.png", "02.png", "04.png")
    assert rest.labels.tolist() == [0, 0, 0]
    assert images[:, 0, 0, 0].tolist() == [0, 20, 40]
    assert [(file.path, file.reason) for file in unused] == [
        ("01.png", "the file is empty"),
        ("03.png", "there is no such file"),
    ]


def test_readable_needs_at_least_one_image(tmp_path: Path) -> None:
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    with pytest.raises(DataError) as caught:
        readable(file_set(paths), preprocess())
    assert str(caught.value) == "not one of 2 images can be read (a.png): there is no such file"


def test_a_set_larger_than_memory_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sightline.machine.memory.available_memory", lambda: 1_000_000_000)
    image_set = array_set(torch.zeros(1_000, 1, 1, 1, dtype=torch.uint8))
    with pytest.raises(DataError) as caught:
        to_resident(image_set, preprocess(600))
    assert str(caught.value) == (
        "1,000 images of 600 x 600 pixels need 1.1 GB, and 1.0 GB of memory are available: "
        "use a smaller --size or fewer images"
    )


def resized_from_cache(count: int = 10) -> tuple[CachedImages, Tensor]:
    """Image i of 8 x 8 pixels is all 10 i, and lies at row 9 - i of a cache that has more."""
    values = (10 * torch.arange(count + 3)).flip(0).to(torch.uint8)
    pixels = values.view(-1, 1, 1, 1).expand(-1, 3, 8, 8).contiguous()
    rows = torch.arange(count + 2, 2, -1)
    return CachedImages(EncodedImages(Files((Path(),) * count)), pixels, rows), torch.arange(count) % 2


def test_memory_cache_and_files_give_the_same_batches(tmp_path: Path) -> None:
    image_set = file_set(flat_files(tmp_path, 10))
    resident = to_resident(image_set, preprocess(8))
    cached = CachedImages(image_set.images, resident.flip(0), torch.arange(9, -1, -1))  # type: ignore[arg-type]
    dealt = [
        Batches(source, image_set.labels, batch_size=4, augment=VARIED, seed=0)
        for source in (ArrayImages(resident), cached, pixel_source(image_set, preprocess(8)))
    ]
    for step in (0, 1, 2, 3, 7, 1, 0, 2):  # in order, and jumping about
        first, *others = (batches.batch(step) for batches in dealt)
        for other in others:
            assert all(torch.equal(one, two) for one, two in zip(first, other, strict=True))


def test_larger_images_are_cropped_or_resized_to_the_size() -> None:
    source, labels = resized_from_cache()
    for crop in (0.0, 0.5):
        config = AugmentConfig(resized_crop=crop)
        dealt = Batches(source, labels, batch_size=4, augment=config, seed=0, size=(6, 5))
        batch = dealt.batch(1)
        assert batch.images.shape == (4, 3, 6, 5)
        assert batch.images[:, 0, 0, 0].tolist() == (10 * batch.indices).tolist()
        assert dealt.sample(5)[:, 0, 0, 0].tolist() == [0, 20, 40, 60, 80]
        assert dealt.sample(5).shape == (5, 3, 6, 5)


def test_a_file_that_vanishes_is_left_out_of_its_batch_and_named(tmp_path: Path) -> None:
    paths = flat_files(tmp_path, 10)
    image_set = file_set(paths)
    dealt = Batches(pixel_source(image_set, preprocess()), image_set.labels, batch_size=5, augment=VARIED, seed=0)
    paths[4].unlink()
    indices = torch.cat([dealt.batch(step).indices for step in (0, 1)])
    assert sorted(indices.tolist()) == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert dealt.lost == {4: "there is no such file"}
    for path in paths:
        path.unlink(missing_ok=True)
    with pytest.raises(DataError, match="there is no such file"):
        dealt.batch(4)


def test_balanced_sampling_shows_every_class_equally_often() -> None:
    labels = torch.tensor([0] * 50 + [1] * 8 + [3] * 3)  # nothing of class 2
    images = torch.zeros(61, 1, 2, 2, dtype=torch.uint8)
    dealt = Batches(ArrayImages(images), labels, batch_size=10, augment=AugmentConfig(), seed=0, sampling="balanced")
    totals = torch.zeros(4, dtype=torch.int64)
    for epoch in range(6):
        order = dealt.order(epoch)
        assert len(order) == 61
        counts = torch.bincount(labels[order], minlength=4)
        assert sorted(counts.tolist()) == [0, 20, 20, 21]
        assert counts[2] == 0
        totals += counts
        rare = torch.bincount(order, minlength=61)[50:58]
        assert rare.max() - rare.min() <= 1  # the images of a class come in turn
    assert totals.tolist() == [122, 122, 0, 122]
    again = Batches(ArrayImages(images), labels, batch_size=10, augment=AugmentConfig(), seed=0, sampling="balanced")
    assert torch.equal(dealt.batch(3).indices, again.batch(3).indices)
    assert not torch.equal(dealt.order(0), dealt.order(1))


def test_files_are_cropped_from_the_photo_itself(tmp_path: Path) -> None:
    path = tmp_path / "ramp.png"
    ramp = np.tile(np.arange(200, dtype=np.uint8)[None, :, None], (100, 1, 3))  # wide: the centre is 50 to 149
    Image.fromarray(ramp).save(path)
    source = pixel_source(file_set([path] * 200), preprocess(20))
    dealt = Batches(
        source, torch.zeros(200), batch_size=200, augment=AugmentConfig(resized_crop=0.25), seed=0, size=(20, 20)
    )
    images = dealt.batch(0).images
    assert images.shape == (200, 3, 20, 20)
    left, right = images[:, 0, 0, 0].float(), images[:, 0, 0, -1].float()
    assert left.min() >= 50
    assert right.max() <= 149
    width = (right - left) * 20 / 19
    assert 40 < width.min() < 55  # a quarter of the area, and a ratio of 3/4
    assert width.max() > 90
    assert torch.equal(dealt.batch(0).images, images)
    assert not torch.equal(dealt.batch(1).images, images)
