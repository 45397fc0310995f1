"""Which training images are alike to the network, and where images lie on its map."""

import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import sightline
from sightline.classifier.classifier import Classifier
from sightline.data.imageset import ArrayImages, ImageSet
from sightline.data.load import load_recorded
from sightline.data.split import read_manifest
from sightline.errors import ConfigError, ImageError, RunError
from sightline.inspection import embeddings
from sightline.inspection.embeddings import embedding_map, nearest
from sightline.runs.run import Run


@pytest.fixture
def training_images(digits_run: Run) -> ImageSet:
    return load_recorded("digits", read_manifest(digits_run.split_path)).train


@pytest.mark.usefixtures("cache")
def test_a_training_image_finds_itself_first(digits_run: Run, training_images: ImageSet) -> None:
    neighbours = nearest(digits_run, training_images.images.read(5), k=3, device="cpu")
    assert len(neighbours) == 3
    assert neighbours[0].id == training_images.ids[5]
    assert neighbours[0].label == training_images.classes[training_images.labels[5]]
    assert neighbours[0].similarity == pytest.approx(1, abs=1e-5)
    assert neighbours[0].similarity >= neighbours[1].similarity >= neighbours[2].similarity
    np.testing.assert_array_equal(neighbours[0].image, training_images.images.read(5))


@pytest.mark.usefixtures("cache")
def test_the_similarities_are_cosines_of_embeddings(digits_run: Run, training_images: ImageSet) -> None:
    classifier = digits_run.classifier
    assert isinstance(training_images.images, ArrayImages)
    pixels = np.stack(
        [classifier.preprocess.pixels(training_images.images.read(i)) for i in range(len(training_images))]
    )
    with torch.no_grad():
        vectors = classifier.network.embed(classifier.preprocess.normalise(torch.from_numpy(pixels))).double()
    vectors = vectors / vectors.norm(dim=1, keepdim=True)
    expected = (vectors @ vectors[7]).sort(descending=True)
    neighbours = nearest(digits_run, training_images.images.read(7), k=5, device="cpu")
    np.testing.assert_allclose([one.similarity for one in neighbours], expected.values[:5], atol=1e-4)
    assert {one.id for one in neighbours} == {training_images.ids[i] for i in expected.indices[:5].tolist()}


@pytest.mark.usefixtures("cache")
def test_many_training_images_are_sampled_and_that_is_said(
    digits_run: Run, training_images: ImageSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "LARGEST_GALLERY", 100)
    said: list[str] = []
    neighbours = nearest(digits_run, training_images.images.read(1), k=1_000, device="cpu", say=said.append)
    assert len(neighbours) == 100
    assert said == [f"of {len(training_images):,} training images 100, drawn at random, were compared"]


@pytest.mark.usefixtures("cache")
def test_what_cannot_be_looked_for(digits_run: Run, tmp_path: Path) -> None:
    blank = np.zeros((8, 8, 1), np.uint8)
    with pytest.raises(ConfigError, match="k is 0: ask for 1 or more"):
        nearest(digits_run, blank, k=0)
    with pytest.raises(ImageError):
        nearest(digits_run, b"no image")
    with pytest.raises(RunError, match="there is no run folder"):
        nearest(tmp_path / "gone", blank)


@pytest.mark.usefixtures("cache")
def test_training_images_that_are_gone_or_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for name, level in (("dark", 40), ("light", 200)):
        Path("photos", name).mkdir(parents=True)
        for i in range(8):
            pixels = generator.integers(0, 50, (16, 16, 3)) + level
            Image.fromarray(pixels.astype(np.uint8)).save(f"photos/{name}/{i}.png")
    run = sightline.train("photos", model="speednet_xs", epochs=1, device="cpu", out="run", quiet=True)
    asked = "photos/dark/0.png"
    assert nearest(run, asked, k=3, device="cpu")[0].label == "dark"

    moved = Path("photos", nearest(run, asked, k=1, device="cpu")[0].id)
    moved.rename("elsewhere.png")
    with pytest.raises(RunError, match=r"the images that run was trained on are not at hand: 1 of 16 recorded images"):
        nearest(run, np.zeros((16, 16, 3), np.uint8))
    whole = Path("elsewhere.png").read_bytes()
    moved.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(RunError, match=r"are not at hand: cannot read .*\.png"):
        nearest(run, np.zeros((16, 16, 3), np.uint8))
    Path("photos").rename("moved")
    with pytest.raises(RunError, match="are not at hand: there is no folder or file"):
        nearest(run, np.zeros((16, 16, 3), np.uint8))


def blobs(count: int, classes: int = 3) -> ImageSet:
    """Grey images of as many kinds as classes, a bright bar at a place of its own: uint8 (count, 1, 8, 8)."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % classes
    pixels = torch.randint(0, 60, (count, 1, 8, 8), generator=generator)
    for index, label in enumerate(labels.tolist()):
        pixels[index, :, 2 * label : 2 * label + 2] += 180
    names = tuple("abcdefgh"[:classes])
    return ImageSet(ArrayImages(pixels.to(torch.uint8)), labels, names, tuple(map(str, range(count))))


@pytest.mark.usefixtures("cache")
def test_the_map_keeps_alike_images_together(digits_run: Run) -> None:
    images = blobs(120)
    drawn = embedding_map(digits_run.classifier, images, how="tsne")
    assert drawn.points.shape == (120, 2)
    assert drawn.points.dtype == np.float32
    assert np.abs(drawn.points).max() == pytest.approx(1)
    assert drawn.method.startswith("t-SNE of the first 50 principal components of the 84 numbers")
    assert "all 120 images" in drawn.method
    np.testing.assert_array_equal(drawn.indices, np.arange(120))
    distances = np.linalg.norm(drawn.points[:, None] - drawn.points[None], axis=2) + 10 * np.eye(120)
    labels = images.labels.numpy()
    assert (labels[distances.argmin(1)] == labels).mean() > 0.95


@pytest.mark.usefixtures("cache")
def test_the_same_images_give_the_same_map(digits_run: Run) -> None:
    threads = torch.get_num_threads()
    first, second = (embedding_map(digits_run.classifier, blobs(60), how="tsne").points for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert torch.get_num_threads() == threads


@pytest.mark.usefixtures("cache")
def test_a_large_set_is_sampled_in_order(digits_run: Run) -> None:
    drawn = embedding_map(digits_run.classifier, blobs(100), limit=40, how="tsne")
    assert len(drawn.indices) == 40
    assert (np.diff(drawn.indices) > 0).all()
    assert set(np.diff(drawn.indices)) > {1, 2}  # no stride
    assert "40 of 100 images, drawn at random" in drawn.method


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_few_images(digits_run: Run, count: int) -> None:
    drawn = embedding_map(digits_run.classifier, blobs(count), how="tsne")
    assert drawn.points.shape == (count, 2)
    assert np.isfinite(drawn.points).all()


@pytest.mark.usefixtures("cache")
def test_images_that_are_all_the_same(digits_run: Run) -> None:
    same = ImageSet(
        ArrayImages(torch.zeros(20, 1, 8, 8, dtype=torch.uint8)),
        torch.zeros(20, dtype=torch.int64),
        ("a",),
        tuple(map(str, range(20))),
    )
    assert np.isfinite(embedding_map(digits_run.classifier, same, how="tsne").points).all()


@pytest.mark.usefixtures("cache")
def test_umap_is_used_where_it_is_installed(digits_run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="limit is 0"):
        embedding_map(digits_run.classifier, blobs(5), limit=0)
    monkeypatch.setattr(embeddings.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="umap is not installed: pip install umap-learn"):
        embedding_map(digits_run.classifier, blobs(5), how="umap")
    assert embedding_map(digits_run.classifier, blobs(10)).method.startswith("t-SNE")

    class Umap:
        def __init__(self, **options: object) -> None:
            assert options == {"n_neighbors": 9, "random_state": 0, "n_jobs": 1}

        def fit_transform(self, values: np.ndarray) -> np.ndarray:
            return values[:, :2] * 3

    module = types.ModuleType("umap")
    module.UMAP = Umap  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "umap", module)
    monkeypatch.setattr(embeddings.importlib.util, "find_spec", lambda name: True)
    assert embedding_map(digits_run.classifier, blobs(10)).method.startswith("UMAP")


@pytest.mark.usefixtures("cache")
def test_the_network_stays_as_it_was(digits_run: Run) -> None:
    classifier = Classifier.load(digits_run.path)
    classifier.network.train()
    before = {name: tensor.clone() for name, tensor in classifier.network.state_dict().items()}
    embedding_map(classifier, blobs(20), how="tsne")
    assert classifier.network.training
    for name, tensor in classifier.network.state_dict().items():
        assert torch.equal(tensor, before[name])
