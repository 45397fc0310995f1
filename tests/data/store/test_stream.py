"""Files decoded ahead of use: in order, no more at once than promised, and with a name for what has vanished."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from sightline.data.images import EncodedImages, Reading
from sightline.data.imageset import ArrayImages, CachedImages
from sightline.data.originals import Files
from sightline.data.store.stream import DecodedImages, stream
from sightline.errors import DataError
from sightline.pixels.preprocess import Preprocess

SEEN = Preprocess(size=(4, 4), mean=(0.5,) * 3, std=(0.5,) * 3)


def files(folder: Path, count: int) -> EncodedImages:
    """PNG files of 8 x 6 pixels; file i is all i."""
    paths = tuple(folder / f"{index}.png" for index in range(count))
    for index, path in enumerate(paths):
        Image.new("RGB", (8, 6), (index,) * 3).save(path)
    return EncodedImages(Files(paths))


def test_chunks_come_in_order_and_the_last_is_short(tmp_path: Path) -> None:
    chunks = list(stream(files(tmp_path, 50), SEEN, chunk=20))
    assert [tuple(chunk.shape) for chunk in chunks] == [(20, 3, 4, 4), (20, 3, 4, 4), (10, 3, 4, 4)]
    assert torch.cat(chunks)[:, 0, 0, 0].tolist() == list(range(50))


def test_decoded_images_lie_channels_last(tmp_path: Path) -> None:
    for chunk in stream(files(tmp_path, 5), SEEN, chunk=3):
        assert chunk.is_contiguous(memory_format=torch.channels_last)


def test_every_kind_of_image_streams_the_same(tmp_path: Path) -> None:
    encoded = files(tmp_path, 10)
    expected = torch.from_numpy(np.stack([SEEN.read(path) for path in encoded.originals]))
    arrays = ArrayImages(torch.from_numpy(np.stack([encoded.read(i) for i in range(10)])).permute(0, 3, 1, 2))
    cached = CachedImages(encoded, expected.flip(0), torch.arange(9, -1, -1))
    for images in (encoded, arrays, cached):
        assert torch.equal(torch.cat(list(stream(images, SEEN, chunk=4))), expected)


def test_no_more_is_decoded_than_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    start = DecodedImages.start

    def counted(self: DecodedImages, indices: Tensor) -> Reading:
        started.append(int(indices[0]))
        return start(self, indices)

    monkeypatch.setattr(DecodedImages, "start", counted)
    chunks = stream(files(tmp_path, 60), SEEN, chunk=10)
    next(chunks)
    assert started == [0, 10, 20]
    next(chunks)
    assert started == [0, 10, 20, 30]
    chunks.close()  # type: ignore[attr-defined]


def test_a_vanished_file_is_named(tmp_path: Path) -> None:
    encoded = files(tmp_path, 30)
    encoded.originals[25].unlink()
    chunks = stream(encoded, SEEN, chunk=10)
    assert len(next(chunks)) == 10
    assert len(next(chunks)) == 10
    with pytest.raises(DataError) as caught:
        next(chunks)
    assert str(caught.value).startswith(f"cannot read {encoded.originals[25]}: there is no such file: ")


def test_reading_goes_on_around_what_cannot_be_read(tmp_path: Path) -> None:
    encoded = files(tmp_path, 20)
    encoded.originals[3].write_bytes(b"")
    encoded.originals[17].write_bytes(b"<html>")
    pixels, unreadable = DecodedImages(encoded.originals, SEEN).start(torch.tensor([17, 5, 3])).result()
    assert pixels[:, 0, 0, 0].tolist() == [0, 5, 0]
    assert sorted(unreadable) == [0, 2]
    assert unreadable[2].reason == "the file is empty"
    assert "HTML" in unreadable[0].reason
