"""The door for new places of images: one class more, here, and everything works with it that works with files.

Originals of a new kind (members of an archive) are audited, prepared, dealt in batches, trained on, evaluated and shown
as the same images in files are, bit for bit. Pixels of a new kind (packed bits) are dealt and streamed as a tensor is.
"""

import dataclasses
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import sightline
from sightline.config import AugmentConfig, TrainConfig
from sightline.data.audit.audit import audit
from sightline.data.audit.file_facts import examine
from sightline.data.batches import Batches, pixel_source, readable, to_resident
from sightline.data.images import EncodedImages, Pixels, Reading
from sightline.data.imageset import ArrayImages, CachedImages, ImageSet, Splits
from sightline.data.originals import GONE, Files, Originals
from sightline.data.sources.listing import look_at
from sightline.data.store import prepared
from sightline.data.store.prepared import prepare
from sightline.data.store.stamps import changed_files
from sightline.data.store.stream import stream
from sightline.errors import DataError
from sightline.evaluation.slices import slices
from sightline.pixels.preprocess import Preprocess
from sightline.reporting.audit_section import audit_section
from sightline.reporting.sprites import SpriteSheet

SEEN = Preprocess(size=(28, 28), mean=(0.5,) * 3, std=(0.25,) * 3)
VARIED = AugmentConfig(resized_crop=0.5, flip="random")


@dataclass(frozen=True)
class Members:
    """Images in a zip archive, as `Originals`."""

    archive: Path
    members: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.members)

    def name(self, index: int) -> str:
        return f"{self.archive}/{self.members[index]}"

    def open(self, index: int) -> BinaryIO:
        return cast(BinaryIO, zipfile.ZipFile(self.archive).open(self.members[index]))

    def stamp(self, index: int) -> tuple[int, int]:
        try:
            member = zipfile.ZipFile(self.archive).getinfo(self.members[index])
        except (OSError, KeyError):
            return GONE, GONE
        return member.file_size, member.CRC

    def take(self, indices: Tensor) -> "Members":
        return Members(self.archive, tuple(self.members[i] for i in indices.tolist()))


@dataclass(frozen=True)
class Bits:
    """Black and white images, eight pixels to a byte, as `Pixels` and as the `Images` of a set.

    packed: uint8 (N, H * W / 8).
    """

    packed: Tensor
    side: int

    encoded = None
    channels = 1
    ahead = 1
    device = torch.device("cpu")

    def __len__(self) -> int:
        return len(self.packed)

    @property
    def decoded(self) -> "Bits":
        return self

    @property
    def size(self) -> int:
        return self.side

    @property
    def shape(self) -> tuple[int, int, int]:
        return 1, self.side, self.side

    def take(self, indices: Tensor) -> "Bits":
        return Bits(self.packed[indices], self.side)

    def read(self, index: int, *, min_size: int | None = None) -> np.ndarray:
        return self.start(torch.tensor([index])).pixels[0].permute(1, 2, 0).numpy()

    def near(self, device: torch.device) -> "Bits":
        return self

    def cuts(self, device: torch.device) -> bool:
        return False

    def start(self, indices: Tensor, parts: Tensor | None = None, *, size: tuple[int, int] | None = None) -> Reading:
        bits = np.unpackbits(self.packed[indices].numpy(), axis=1).reshape(-1, 1, self.side, self.side)
        return Reading(torch.from_numpy(255 * bits))

    def whole(self) -> Reading:
        return self.start(torch.arange(len(self)))

    def close(self) -> None:
        pass


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Dark photos and light ones, 48 in all, of two sizes."""
    paths, draw = [], np.random.default_rng(0)
    for number in range(48):
        coarse = draw.integers(0, 120, (4, 5, 3), dtype=np.uint8) + 100 * (number % 2)
        paths.append(tmp_path / f"{number:02}.jpg")
        size = (80, 60) if number % 3 else (60, 50)
        Image.fromarray(coarse.astype(np.uint8)).resize(size, Image.Resampling.BICUBIC).save(paths[-1], quality=92)
    return paths


@pytest.fixture
def archive(photos: list[Path], tmp_path: Path) -> Path:
    """The same photos in an archive."""
    path = tmp_path / "photos.zip"
    pack(path, photos)
    return path


def pack(archive: Path, paths: list[Path]) -> None:
    with zipfile.ZipFile(archive, "w") as file:
        for path in paths:
            file.write(path, path.name)


def splits_of(originals: Originals) -> Splits:
    """24 images to train on, 12 to validate and 12 to test with."""
    images = look_at(originals)
    whole = ImageSet(images, torch.arange(48) % 2, ("dark", "light"), tuple(f"{number:02}.jpg" for number in range(48)))
    return Splits("photos", *(whole.take(range(first, last)) for first, last in ((0, 24), (24, 36), (36, 48))))


@pytest.fixture
def both(photos: list[Path], archive: Path) -> tuple[Splits, Splits]:
    """The photos as files, and as members of the archive."""
    return splits_of(Files(photos)), splits_of(Members(archive, tuple(path.name for path in photos)))


@pytest.fixture(params=["memory", "cache", "nowhere"])
def storage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, cache: Path) -> str:
    """Where `prepare` keeps the decoded images."""
    monkeypatch.setattr(prepared, "SMALL", 10**9 if request.param == "memory" else 0)
    return str(request.param)


def prepared_in(storage: str, splits: Splits, *, room: float = 1.0) -> Splits:
    return prepare(splits, SEEN, budget=0 if storage == "nowhere" else None, room=room)


def test_a_look_and_the_audit_tell_the_same(both: tuple[Splits, Splits]) -> None:
    audits = [audit(splits.train, name="photos", splits=["train"] * 24) for splits in both]
    for name in ("file_bytes", "width", "height", "brightness", "sharpness"):
        assert np.array_equal(*(getattr(one.facts, name) for one in audits))
    assert audits[0].findings == audits[1].findings
    sections = [audit_section(one) for one in audits]
    assert sections[0].findings == sections[1].findings
    prints = [examine(splits.train.images)[1] for splits in both]
    assert np.array_equal(prints[0].content, prints[1].content)
    assert [splits.train.images.channels for splits in both] == [3, 3]


def test_prepared_they_are_dealt_and_trained_on_bit_for_bit(both: tuple[Splits, Splits], storage: str) -> None:
    files, members = (prepared_in(storage, splits, room=1.25) for splits in both)
    kind = EncodedImages if storage == "nowhere" else CachedImages
    assert type(files.train.images) is type(members.train.images) is kind
    assert files.unused == members.unused == ()
    batches = [
        Batches(
            pixel_source(splits.train, SEEN), splits.train.labels, batch_size=8, augment=VARIED, seed=1, size=SEEN.size
        )
        for splits in (files, members)
    ]
    for step in (0, 1, 2, 5, 1):
        one, other = (source.batch(step) for source in batches)
        assert all(torch.equal(*tensors) for tensors in zip(one, other, strict=True))
    config = TrainConfig(epochs=2, batch_size=8, augment=VARIED, seed=3, device="cpu", precision="fp32")
    networks = []
    for splits in (files, members):
        torch.manual_seed(0)
        network = sightline.create_model("lenet5", num_classes=2, in_channels=3, size=28)
        assert len(list(sightline.fit(network, splits, config, preprocess=SEEN))) == 2
        networks.append(network)
    for one, other in zip(networks[0].state_dict().values(), networks[1].state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert members.test is not None
    classifier = sightline.Classifier.of(networks[1], members, preprocess=SEEN)
    evaluation = sightline.evaluate(classifier, members.test)
    assert len(evaluation.ids) == 12
    assert slices(evaluation, members.test) == slices(evaluation, files.test)  # type: ignore[arg-type]
    sheet = SpriteSheet(members.test)
    assert sheet.add(0) is not None


def test_what_was_rewritten_or_taken_out_is_noticed(both: tuple[Splits, Splits], archive: Path, storage: str) -> None:
    members = prepared_in(storage, both[1])
    assert changed_files(members.train) == ()
    with zipfile.ZipFile(archive) as file:
        contents = {name: file.read(name) for name in file.namelist()}
    del contents["03.jpg"]
    contents["05.jpg"] += b"more"
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in contents.items():
            file.writestr(name, content)
    assert [(changed.path, changed.reason) for changed in changed_files(members.train)] == [
        ("03.jpg", "deleted during the training"),
        ("05.jpg", "rewritten during the training"),
    ]


def test_what_cannot_be_read_is_named(
    both: tuple[Splits, Splits], archive: Path, photos: list[Path], storage: str
) -> None:
    photos[7].write_bytes(b"")
    pack(archive, [path for path in photos if path.name != "04.jpg"])
    members = prepared_in(storage, both[1])
    assert [file.path for file in members.unused] == ["04.jpg", "07.jpg"]
    assert members.unused[1].reason == "the file is empty"
    rest, pixels, unread = readable(both[1].train, SEEN)
    assert (len(rest), len(pixels), len(unread)) == (22, 22, 2)
    batches = Batches(pixel_source(both[1].train, SEEN), torch.zeros(24), batch_size=24, augment=VARIED, seed=0)
    assert len(batches.batch(0).images) == 22
    assert sorted(batches.lost) == [4, 7]
    with pytest.raises(DataError, match=rf"cannot read {archive}/04\.jpg"):
        list(stream(both[1].train.images, SEEN, chunk=24))


def test_pixels_of_a_new_kind_are_dealt_as_a_tensor_is() -> None:
    bits: Pixels = Bits(torch.randint(0, 256, (40, 98), dtype=torch.uint8), 28)
    labels = torch.arange(40) % 2
    pixels, _ = bits.whole().result()
    varied = dataclasses.replace(VARIED, erase=0.5)
    dealt = [
        Batches(images, labels, batch_size=16, augment=varied, seed=0, size=(20, 20))
        for images in (bits, ArrayImages(pixels))
    ]
    for step in (0, 1, 2, 4, 3):
        one, other = (source.batch(step) for source in dealt)
        assert all(torch.equal(*tensors) for tensors in zip(one, other, strict=True))
    images = ImageSet(Bits(bits.packed, 28), labels, ("a", "b"), tuple(map(str, range(40))))  # type: ignore[attr-defined]
    plain = dataclasses.replace(images, images=ArrayImages(pixels))
    for size in (28, 14):
        preprocess = Preprocess(size=(size, size), channels=1, mean=(0.5,), std=(0.5,))
        assert torch.equal(to_resident(images, preprocess), to_resident(plain, preprocess))
        assert torch.equal(*(torch.cat(list(stream(source.images, preprocess, chunk=7))) for source in (images, plain)))
    assert prepare(Splits("bits", images, None, None), SEEN).train is images
    assert np.array_equal(examine(images.images)[0].brightness, examine(plain.images)[0].brightness)
