"""Features: what the network says, computed once."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sightline.config import AugmentConfig
from sightline.data.images import EncodedImages
from sightline.data.imageset import ArrayImages, ImageSet
from sightline.data.originals import Files
from sightline.errors import DataError
from sightline.machine.device import Precision
from sightline.models.contract import Network
from sightline.models.registry import create_model
from sightline.pixels.preprocess import Preprocess
from sightline.training import features
from sightline.training.features import Features, extract, views_within

FP32 = Precision("fp32", "as asked")
BF16 = Precision("bf16", "as asked")
CPU = torch.device("cpu")
PREPROCESS = Preprocess(size=(32, 32), mean=(0.5,) * 3, std=(0.25,) * 3)
VARIED = AugmentConfig(flip="random", resized_crop=0.4)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the test's own."""
    monkeypatch.setattr("sightline.machine.cache.cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "features"


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return create_model("resnet20", num_classes=3)


def image_set(count: int = 40) -> ImageSet:
    pixels = torch.randint(256, (count, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
    names = tuple(map(str, range(count)))
    return ImageSet(ArrayImages(pixels), torch.arange(count) % 3, ("a", "b", "c"), names)


def test_features_are_what_the_output_layer_sees(network: Network) -> None:
    images = image_set()
    network.train()
    features = extract(network, images, PREPROCESS, device=CPU, precision=FP32)
    assert network.training, "the network stays as it is"
    with torch.no_grad():
        assert isinstance(images.images, ArrayImages)
        expected = network.eval().embed(PREPROCESS.normalise(images.images.pixels))
    torch.testing.assert_close(features.values, expected, rtol=1e-3, atol=1e-3)
    assert features.values.dtype == torch.float32
    assert torch.equal(features.labels, images.labels)
    assert features.computed == len(features) == 40


def test_bf16_is_near(network: Network) -> None:
    exact, near = (
        extract(network, image_set(), PREPROCESS, device=CPU, precision=precision) for precision in (FP32, BF16)
    )
    assert near.computed == 40, "another precision is another way of computing"
    assert (near.values - exact.values).abs().mean() < 0.02 * exact.values.abs().mean() + 0.01


def test_a_second_run_needs_no_pass_and_a_new_image_only_its_own(network: Network) -> None:
    images = image_set(40)
    some = images.take(range(30))
    first = extract(network, some, PREPROCESS, device=CPU, precision=FP32)
    again = extract(network, some, PREPROCESS, device=CPU, precision=FP32)
    assert (first.computed, again.computed) == (30, 0)
    assert torch.equal(again.values, first.values)
    more = extract(network, images.take([35, 3, 36, 4]), PREPROCESS, device=CPU, precision=FP32)
    assert more.computed == 2
    assert torch.equal(more.values[1], first.values[3])
    assert torch.equal(more.values[3], first.values[4])


def test_other_weights_scaling_or_strides_are_not_confused_but_another_head_changes_nothing(network: Network) -> None:
    images = image_set(4)

    def computed(**changes: object) -> int:
        preprocess = dataclasses.replace(PREPROCESS, **changes)  # type: ignore[arg-type]
        return extract(network, images, preprocess, device=CPU, precision=FP32).computed

    assert computed() == 4
    assert computed(mean=(0.4,) * 3) == 4
    network.replace_head(9)
    assert computed() == 0
    network.replace_head(9, hidden=5)
    assert computed() == 0
    with torch.no_grad():
        next(network.parameters()).add_(0.1)
    assert computed() == 4
    next(m for m in network.modules() if isinstance(m, torch.nn.Conv2d)).stride = (2, 2)
    assert computed() == 4


def test_views_vary_follow_from_the_seed_and_are_kept_too(network: Network) -> None:
    images = image_set(12)

    def view(number: int, seed: int = 0) -> Features:
        return extract(
            network, images, PREPROCESS, device=CPU, precision=FP32, view=number, variation=VARIED, seed=seed
        )

    plain, first, second, other = view(0), view(1), view(2), view(1, seed=1)
    assert plain.computed == first.computed == 12
    pairs = [(plain, first), (first, second), (first, other)]
    assert all((a.values - b.values).abs().max() > 1e-3 for a, b in pairs)
    assert view(1).computed == 0
    assert torch.equal(view(1).values, first.values)


def test_damaged_and_unwritable_caches_cost_a_pass_and_nothing_else(network: Network, cache: Path) -> None:
    images = image_set(5)
    first = extract(network, images, PREPROCESS, device=CPU, precision=FP32)
    (file,) = cache.glob("*/*.safetensors")
    file.write_bytes(file.read_bytes()[:100])
    again = extract(network, images, PREPROCESS, device=CPU, precision=FP32)
    assert again.computed == 5
    assert torch.equal(again.values, first.values)

    for path in cache.glob("*/*"):
        path.unlink()
    for folder in cache.iterdir():
        folder.rmdir()
    cache.rmdir()
    cache.write_text("a file where a folder should be")
    assert extract(network, images, PREPROCESS, device=CPU, precision=FP32).computed == 5


def test_nothing_is_kept_when_asked_so(network: Network, cache: Path) -> None:
    extract(network, image_set(5), PREPROCESS, device=CPU, precision=FP32, keep=False)
    assert not cache.exists()


def test_large_features_are_memory_mapped(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = extract(network, image_set(10), PREPROCESS, device=CPU, precision=FP32).values
    monkeypatch.setattr(features, "LARGE", 100)
    mapped = extract(network, image_set(10), PREPROCESS, device=CPU, precision=FP32).values
    assert torch.equal(mapped, expected)


def test_files_are_decoded_and_one_that_vanished_is_named(network: Network, tmp_path: Path) -> None:
    paths = tuple(tmp_path / f"{i}.png" for i in range(3))
    rng = np.random.default_rng(0)
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(path)
    files = ImageSet(EncodedImages(Files(paths)), torch.tensor([0, 1, 2]), ("a", "b", "c"), tuple(map(str, paths)))
    features = extract(network, files, PREPROCESS, device=CPU, precision=FP32)
    one = torch.from_numpy(PREPROCESS.read(paths[1]))[None]
    with torch.no_grad():
        expected = network.eval().embed(PREPROCESS.normalise(one))
    torch.testing.assert_close(features.values[1:2], expected, rtol=1e-3, atol=1e-3)
    paths[2].unlink()
    with pytest.raises(DataError, match=r"2\.png"):
        extract(network, files, PREPROCESS, device=CPU, precision=FP32)


def test_progress_is_told(network: Network) -> None:
    progress: list[tuple[int, int]] = []
    extract(
        network, image_set(40), PREPROCESS, device=CPU, precision=FP32, progress=lambda *counts: progress.append(counts)
    )
    assert progress[-1] == (40, 40)


def test_as_many_views_as_the_time_allows() -> None:
    def plain(computed: int) -> Features:
        return Features(torch.empty(100, 1), torch.zeros(100), computed=computed, seconds=2.0)

    assert views_within(7.0, plain(100), at_most=8) == 3
    assert views_within(1.9, plain(100), at_most=8) == 0
    assert views_within(-1.0, plain(100), at_most=8) == 0
    assert views_within(100.0, plain(100), at_most=8) == 8
    assert views_within(7.0, plain(0), at_most=8) == 8, "the cache knew all: the views may be there as well"


def test_what_was_computed_before_an_interruption_is_kept(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "STREAM", 16)

    def stop(done: int, of: int) -> None:
        if done == 32:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(network, image_set(), PREPROCESS, device=CPU, precision=FP32, progress=stop)
    assert extract(network, image_set(), PREPROCESS, device=CPU, precision=FP32).computed == 8


def test_another_pooling_is_another_way_of_computing(network: Network) -> None:
    averaged = extract(network, image_set(8), PREPROCESS, device=CPU, precision=FP32)
    network.head.pool = torch.nn.AdaptiveMaxPool2d(1)
    largest = extract(network, image_set(8), PREPROCESS, device=CPU, precision=FP32)
    assert (averaged.computed, largest.computed) == (8, 8)
    assert (largest.values > averaged.values).any()
