"""Small data sets, made on the spot, and a cache folder of each test's own."""

import io
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from PIL import Image

Photos = Callable[[Mapping[str, int]], Path]
SHARED_DATA = os.environ.get("SIGHTLINE_DATA")  # read before any test hides it


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty user cache for data sets, and no $SIGHTLINE_DATA."""
    folder = tmp_path / "cache"
    monkeypatch.setattr("sightline.data.cache.cache_folder", lambda: folder)
    monkeypatch.setattr("sightline.data.builtin.cache_folder", lambda: folder)
    monkeypatch.delenv("SIGHTLINE_DATA", raising=False)
    return folder


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data, $SIGHTLINE_DATA; tests that need it are skipped without."""
    if not SHARED_DATA:
        pytest.skip("needs real data: set SIGHTLINE_DATA to its folder")
    return Path(SHARED_DATA)


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
