"""What is settled, and what is refused, before a run folder is begun."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from sightline.commands.train.gather import gather
from sightline.commands.train.open import Opened, open_run, prepare_images
from sightline.commands.train.plan import plan
from sightline.config import TrainOptions
from sightline.errors import ConfigError, DataError


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test works in a folder of its own, and with no data but its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SIGHTLINE_DATA", raising=False)
    return tmp_path


def opened(data: str = "digits", **settings: Any) -> Opened:
    gathered = gather(data)
    planned = plan(gathered, TrainOptions(**settings))
    return open_run(planned, prepare_images(gathered.splits, planned))


def test_batch_norm_cannot_learn_from_one_image_at_a_time(empty_folder: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        opened(batch_size=1)
    assert str(caught.value) == (
        "speednet_s cannot learn from one image at a time: its batch norm compares images: use --batch-size 2 or more"
    )
    assert list(empty_folder.iterdir()) == []
    assert opened(batch_size=1, model="lenet5").job.config.batch_size == 1  # without batch norm


def test_batches_are_parted_for_the_caches_of_a_cpu_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert opened(batch_size=1_000, recipe="speed", device="cpu").job.config.accumulate == 4
    monkeypatch.setattr("sightline.commands.train.plan.find_device", lambda name: torch.device("cuda"))
    on_gpu = opened(batch_size=1_000, recipe="speed")
    assert on_gpu.job.config.accumulate == 1
    assert on_gpu.run.config["config"]["accumulate"] == 1


def test_a_class_of_broken_photos_is_named_before_a_folder_is_made(empty_folder: Path) -> None:
    noise = np.random.default_rng(0)
    for name in ("cat", "dog", "emu"):
        (empty_folder / "pets" / name).mkdir(parents=True)
        for number in range(6):
            path = empty_folder / "pets" / name / f"{number}.png"
            Image.fromarray(noise.integers(0, 256, (20, 20, 3), dtype=np.uint8)).save(path)
            if name == "emu":
                path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=r"^no training image of class 'emu' can be read: replace its files"):
        opened("pets", model="lenet5")
    assert not Path("runs").exists()


def test_padded_photos_have_one_border_in_training_and_afterwards(empty_folder: Path) -> None:
    """The border is the mean colour, which must be known before photos are decoded and kept."""
    noise = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 180)):
        (empty_folder / "lines" / name).mkdir(parents=True)
        for number in range(12):
            pixels = noise.integers(level - 40, level + 40, (12, 90, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(empty_folder / "lines" / name / f"{number}.png")
    start = opened("lines", model="lenet5", size=32)
    preprocess = start.job.preprocess
    assert preprocess.fit == "pad"
    assert preprocess.mean == pytest.approx((120 / 255,) * 3, abs=0.02)
    first = torch.from_numpy(start.splits.train.images.read(0))
    path = empty_folder / "lines" / start.splits.train.ids[0]
    assert torch.equal(first.permute(2, 0, 1), torch.from_numpy(preprocess.read(path)))
    assert (first[0] == round(255 * preprocess.mean[0])).float().mean() > 0.6
