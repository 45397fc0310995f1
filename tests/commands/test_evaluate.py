"""A run is scored again on its own test images, whatever else has become of the data."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sightline
from sightline.commands.evaluate import score_run
from sightline.data.load import load_recorded_test
from sightline.data.split import read_manifest
from sightline.errors import ConfigError, DataError, RunError
from sightline.evaluation.evaluate import evaluate
from sightline.runs.run import Run


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Twenty noisy photos each of dark cats and light dogs."""
    noise = np.random.default_rng(0)
    for name, mean in (("cat", 70), ("dog", 180)):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(20):
            pixels = (mean + noise.integers(-60, 60, (20, 20, 3))).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{number:02}.png")
    return tmp_path / "pets"


@pytest.fixture
def run(pets: Path, tmp_path: Path) -> Run:
    return sightline.train(
        pets, model="lenet5", epochs=1, precision="fp32", device="cpu", out=tmp_path / "run", quiet=True
    )


def ids(run: Run, split: str) -> list[str]:
    return [row.id for row in read_manifest(run.split_path) if row.split == split]


def test_the_test_images_of_digits_score_as_they_did(digits_run: Run) -> None:
    assert score_run(digits_run.path, device="cpu").to_json() == digits_run.test
    assert score_run(digits_run.path, "digits", device="cpu").to_json() == digits_run.test


def test_other_views_are_used_and_said(run: Run) -> None:
    plain, mirrored = score_run(run.path, device="cpu"), score_run(run.path, device="cpu", views="mirror")
    assert mirrored.note.startswith("Answers are averaged over the views 'mirror' instead of 'plain'.")
    assert not np.allclose(plain.probabilities, mirrored.probabilities)
    classifier = sightline.load(run.path)
    classifier.views = "mirror"
    test = load_recorded_test(str(run.config["data"]), read_manifest(run.split_path))
    assert test is not None
    np.testing.assert_allclose(mirrored.probabilities, evaluate(classifier, test).probabilities, atol=1e-5)
    with pytest.raises(ConfigError, match="views is 'all': use plain, mirror, shift, mirror-shift"):
        score_run(run.path, device="cpu", views="all")  # type: ignore[arg-type]


def test_training_images_may_be_gone(run: Run, pets: Path) -> None:
    for name in ids(run, "train")[:20]:
        (pets / name).unlink()
    again = score_run(run.path, device="cpu")
    assert again.to_json() == run.test
    assert score_run(run.path, pets, device="cpu").to_json() == run.test  # the run's own data, by its path


def test_test_images_may_not(run: Run, pets: Path) -> None:
    first, second, *_ = ids(run, "test")
    for name in (first, second):
        (pets / name).unlink()
    with pytest.raises(DataError) as caught:
        score_run(run.path, device="cpu")
    assert str(caught.value) == (
        f"2 of 8 recorded images are not in {pets} any more, the first is {first}: put the data back as it was"
    )


def test_a_test_image_that_broke_is_left_out_and_it_is_said(run: Run, pets: Path) -> None:
    broken = pets / ids(run, "test")[0]
    broken.write_bytes(broken.read_bytes()[:100])
    again = score_run(run.path, device="cpu")
    assert again.total == 7
    assert again.note.startswith("1 file is left out (")
    assert broken.name in again.note


def test_a_run_without_test_images_needs_other_data(run: Run, pets: Path, tmp_path: Path) -> None:
    rows = run.split_path.read_text().splitlines(keepends=True)
    run.split_path.write_text("".join(row for row in rows if ",test," not in row))
    with pytest.raises(RunError, match="this run has no test images"):
        score_run(run.path, device="cpu")
    (pets / "cat" / "00.png").rename(pets / "cat" / "other.png")
    other = tmp_path / "others"
    pets.rename(other)
    assert score_run(run.path, other, device="cpu").total == 40  # not the run's own: all of its images
