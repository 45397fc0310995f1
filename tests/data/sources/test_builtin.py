import gzip
import io
import struct
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest

from sightline.data.sources import builtin
from sightline.data.sources.builtin import NAMED_SETS, load_digits, load_named
from sightline.data.sources.download import RemoteFile
from sightline.errors import DataError, DownloadError, StorageError


@pytest.fixture(autouse=True)
def _offline(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests here never reach the internet, and use a cache of their own."""

    def refuse(request: object, **options: object) -> None:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr("urllib.request.urlopen", refuse)


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_mnist(folder: Path, *, train: int = 20, test: int = 10, zipped: bool = True) -> dict[str, np.ndarray]:
    """A small MNIST: image i is filled with the value i, label i % 10."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {}
    for name, count in (("train", train), ("t10k", test)):
        images = np.broadcast_to(np.arange(count, dtype=np.uint8)[:, None, None], (count, 28, 28))
        arrays[f"{name}-images-idx3-ubyte"] = images
        arrays[f"{name}-labels-idx1-ubyte"] = (np.arange(count) % 10).astype(np.uint8)
    for name, array in arrays.items():
        if zipped:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
        else:
            (folder / name).write_bytes(idx(array))
    return arrays


def cifar_records(labels: list[list[int]]) -> bytes:
    """Records of CIFAR's binary version; red counts up along the rows, green is 7 and blue is the last label."""
    red = bytes(i % 256 for i in range(1024))
    return b"".join(bytes(label) + red + bytes([7]) * 1024 + bytes([label[-1]]) * 1024 for label in labels)


def write_tar(path: Path, files: dict[str, bytes], mode: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


CIFAR10 = {
    "cifar-10-batches-bin/batches.meta.txt": b"airplane\n",
    "cifar-10-batches-bin/data_batch_1.bin": cifar_records([[3], [0]]),
    "cifar-10-batches-bin/data_batch_2.bin": cifar_records([[9]]),
    "cifar-10-batches-bin/test_batch.bin": cifar_records([[5]]),
}


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits as reference

    digits = load_digits()
    expected = reference()
    assert digits.images.pixels.shape == (1797, 1, 8, 8)
    assert np.array_equal(digits.images.pixels[:, 0].numpy(), np.rint(expected.images * 255 / 16))
    assert digits.labels.tolist() == expected.target.tolist()
    assert digits.classes == tuple("0123456789")
    assert (digits.ids[0], digits.ids[-1]) == ("digits/0000", "digits/1796")


def test_digits_come_through_scikit_learn_when_its_file_has_moved(monkeypatch: pytest.MonkeyPatch):
    expected = load_digits()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    moved = load_digits()
    assert np.array_equal(moved.images.pixels, expected.images.pixels)
    assert moved.labels.tolist() == expected.labels.tolist()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("place", ["mnist", "MNIST/raw"])
def test_idx_files_are_read_with_grey_channel_and_labels(tmp_path: Path, monkeypatch, zipped: bool, place: str):
    write_mnist(tmp_path / "data" / place, zipped=zipped)
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path / "data"))
    train, test, note = load_named("mnist")
    assert train.images.pixels.shape == (20, 1, 28, 28)
    assert train.images.pixels[:, 0, 5, 7].tolist() == list(range(20))
    assert test.labels.tolist() == list(range(10))
    assert train.classes == tuple("0123456789")
    assert (train.ids[3], test.ids[3]) == ("train/03", "test/3")
    assert note == "MNIST: only 20 of the 60,000 training images and 10 of the 10,000 test images are present"


def test_sets_are_found_in_the_cache(cache: Path):
    write_mnist(cache / "fashion-mnist")
    train, _, note = load_named("fashion-mnist")
    assert train.classes[9] == "Ankle boot"
    assert note.startswith("Fashion-MNIST: only 20 of the 60,000 training images")


@pytest.mark.parametrize(("suffix", "mode"), [("gz", "w:gz"), ("xz", "w:xz"), ("", "w")])
def test_cifar10_archives_are_read_red_green_blue(cache: Path, suffix: str, mode: str):
    write_tar(cache / f"cifar-10-binary.tar.{suffix}".rstrip("."), CIFAR10, mode)
    train, test, note = load_named("cifar10")
    assert train.labels.tolist() == [3, 0, 9]
    image = train.images.read(0)
    assert image.shape == (32, 32, 3)
    assert image[0, 31].tolist() == [31, 7, 3]
    assert image[1, 0].tolist() == [32, 7, 3]  # row by row
    assert test.classes[test.labels[0]] == "dog"
    assert note == "CIFAR-10: only 3 of the 50,000 training images and 1 of the 10,000 test images are present"


def test_cifar10_is_read_from_an_extracted_folder(cache: Path):
    for name, data in CIFAR10.items():
        (cache / name).parent.mkdir(parents=True, exist_ok=True)
        (cache / name).write_bytes(data)
    train, test, _ = load_named("cifar10")
    assert (len(train), len(test)) == (3, 1)


def test_cifar100_has_the_fine_labels(cache: Path):
    files = {"train.bin": cifar_records([[4, 0], [19, 99]]), "test.bin": cifar_records([[1, 53]])}
    write_tar(
        cache / "cifar-100-binary.tar.gz", {f"cifar-100-binary/{name}": data for name, data in files.items()}, "w:gz"
    )
    train, test, _ = load_named("cifar100")
    assert [train.classes[label] for label in train.labels] == ["apple", "worm"]
    assert test.classes[test.labels[0]] == "orange"
    assert len(train.classes) == 100
    assert list(train.classes) == sorted(train.classes)


def test_every_published_file_has_a_checksum_and_an_address():
    for named in NAMED_SETS.values():
        for file in named.files:
            assert len(bytes.fromhex(file.sha256)) == 32
            assert all(url.endswith("/" + file.name) for url in file.urls)


def test_offline_the_error_says_which_files_to_put_where(cache: Path):
    with pytest.raises(DownloadError) as error:
        load_named("cifar10")
    url = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
    assert str(error.value) == (
        "CIFAR-10 is not on this machine and cifar-10-binary.tar.gz cannot be downloaded "
        f"({url}: name or service not known): connect and try again, "
        f"or put cifar-10-binary.tar.gz into $SIGHTLINE_DATA or {cache}"
    )
    with pytest.raises(DownloadError, match=r"put train-images-idx3-ubyte\.gz, .* into \$SIGHTLINE_DATA/mnist or"):
        load_named("mnist")


def test_what_was_downloaded_is_in_the_cache_and_used(cache: Path, monkeypatch: pytest.MonkeyPatch):
    def fetch(file: RemoteFile, folder: Path) -> Path:
        if not folder.exists():
            write_mnist(folder)
        return folder / file.name

    monkeypatch.setattr(builtin, "download", fetch)
    assert len(load_named("fashion-mnist")[0]) == 20
    assert (cache / "fashion-mnist" / "t10k-labels-idx1-ubyte.gz").exists()


def test_a_cache_that_cannot_hold_a_download_is_named_with_the_remedy(cache: Path):
    cache.write_text("a file in the way")
    with pytest.raises(StorageError) as error:
        load_named("cifar10")
    assert str(error.value) == (
        f"CIFAR-10 cannot be downloaded: cannot write {cache}: file exists: "
        "put cifar-10-binary.tar.gz into $SIGHTLINE_DATA"
    )


def test_an_incomplete_set_is_not_taken(cache: Path):
    write_mnist(cache / "mnist")
    (cache / "mnist" / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DownloadError, match=r"t10k-labels-idx1-ubyte\.gz cannot be downloaded"):
        load_named("mnist")


def test_the_second_time_the_decoded_tensors_are_used(cache: Path, monkeypatch):
    write_mnist(cache / "mnist")
    first, _, _ = load_named("mnist")
    monkeypatch.setattr(builtin, "_decode", lambda *_: pytest.fail("decoded again"))
    second, _, _ = load_named("mnist")
    assert np.array_equal(first.images.pixels, second.images.pixels)
    assert first.labels.tolist() == second.labels.tolist()


def test_other_files_are_decoded_again(cache: Path):
    write_mnist(cache / "mnist")
    assert len(load_named("mnist")[0]) == 20
    write_mnist(cache / "mnist", train=30)
    assert len(load_named("mnist")[0]) == 30


def test_a_damaged_file_is_named_with_the_remedy(cache: Path):
    write_mnist(cache / "mnist")
    labels = cache / "mnist" / "train-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(idx(np.full(20, 10, np.uint8))))
    with pytest.raises(DataError) as error:
        load_named("mnist")
    assert str(error.value) == f"{labels} has label 10, expected 0 to 9: delete it and fetch it again"

    archive = cache / "cifar-10-binary.tar.gz"
    write_tar(archive, {"data_batch_1.bin": bytes(3000), "test_batch.bin": bytes(3073)}, "w:gz")
    with pytest.raises(DataError) as error:
        load_named("cifar10")
    assert str(error.value).startswith(f"{archive} is damaged: data_batch_1.bin has 3,000 bytes")


def test_real_mnist_is_whole_and_fast(shared_data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SIGHTLINE_DATA", str(shared_data))
    train, test, note = load_named("mnist")
    assert (len(train), len(test), note) == (60_000, 10_000, "")
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    published = gzip.decompress((shared_data / "mnist" / "train-images-idx3-ubyte.gz").read_bytes())
    assert train.images.pixels.numpy().tobytes() == published[16:]
    start = time.process_time()
    load_named("mnist")
    assert time.process_time() - start < 0.6  # seconds; 0.03 when measured


@pytest.mark.slow
def test_real_cifar10_is_as_the_field_knows_it(shared_data: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SIGHTLINE_DATA", str(shared_data))
    train, test, note = load_named("cifar10")
    assert len(test) == 10_000 or note == f"CIFAR-10: only {len(test):,} of the 10,000 test images are present"
    assert train.counts() == dict.fromkeys(train.classes, 5000)
    pixels = train.images.pixels.float() / 255
    assert pixels.mean((0, 2, 3)).tolist() == pytest.approx([0.4914, 0.4822, 0.4465], abs=5e-5)
    assert pixels.std((0, 2, 3)).tolist() == pytest.approx([0.2470, 0.2435, 0.2616], abs=5e-5)
    start = time.process_time()
    load_named("cifar10")
    assert time.process_time() - start < 0.5  # seconds; 0.02 when measured
