"""What tests of several folders share: small data sets, a cache of each test's own, a finished training."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from PIL import Image

import sightline
from sightline.run import Run

Photos = Callable[[Mapping[str, int]], Path]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user cache for data sets, and no $SIGHTLINE_DATA."""
    folder = tmp_path / "cache"
    monkeypatch.setattr("sightline.data.cache.cache_folder", lambda: folder)
    monkeypatch.setattr("sightline.data.builtin.cache_folder", lambda: folder)
    monkeypatch.delenv("SIGHTLINE_DATA", raising=False)
    return folder


@pytest.fixture(scope="session")
def png() -> bytes:
    """A whole PNG file of 4 x 4 pixels."""
    file = io.BytesIO()
    Image.new("RGB", (4, 4), (10, 20, 30)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def photos(tmp_path: Path, png: bytes) -> Photos:
    """Make a folder of images: photos({"train/cat": 3}) puts 0.png, 1.png and 2.png into photos/train/cat."""

    def make(counts: Mapping[str, int]) -> Path:
        root = tmp_path / "photos"
        root.mkdir(exist_ok=True)
        for name, count in counts.items():
            (root / name).mkdir(parents=True)
            for i in range(count):
                (root / name / f"{i}.png").write_bytes(png)
        return root

    return make


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished training on the digits: LeNet-5, 3 epochs. Copy it before changing it."""
    out = tmp_path_factory.mktemp("runs") / "digits"
    return sightline.train(
        "digits", model="lenet5", epochs=3, batch_size=32, precision="fp32", device="cpu", out=out, quiet=True
    )
