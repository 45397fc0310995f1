"""The data sets known by name: what they are, who publishes them, and where they are looked for.

A named set is looked for in $SIGHTLINE_DATA, then in the user's cache; failing both, its makers' files are downloaded
into the cache. `digits` comes with scikit-learn and is always there.
"""

import functools
import gzip
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline.data.imageset import ArrayImages, ImageSet
from sightline.data.sources.binary import read_cifar, read_idx_pair
from sightline.data.sources.download import RemoteFile, download
from sightline.errors import DownloadError, StorageError
from sightline.machine.cache import cache_folder, data_folders, decode_once

CIFAR100_CLASSES = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant
    flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree
    motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate
    poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider
    squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
    wardrobe whale willow_tree wolf woman worm
"""

Format = Literal["idx", "cifar10", "cifar100"]


@dataclass(frozen=True, kw_only=True)
class NamedSet:
    """A published data set: its title, classes in label order, image shape (C, H, W), counts and files."""

    title: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    train_count: int
    test_count: int
    format: Format
    files: tuple[RemoteFile, ...]
    folders: tuple[str, ...]  # below a data folder, where the files or their extracted content may be


def _idx_files(urls: tuple[str, ...], checksums: tuple[str, str, str, str]) -> tuple[RemoteFile, ...]:
    """The four files of MNIST and its kin: training images and labels, test images and labels."""
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return tuple(
        RemoteFile(name=f"{name}-ubyte.gz", urls=tuple(f"{url}/{name}-ubyte.gz" for url in urls), sha256=checksum)
        for name, checksum in zip(names, checksums, strict=True)
    )


NAMED_SETS = {
    "mnist": NamedSet(
        title="MNIST",
        classes=tuple("0123456789"),
        shape=(1, 28, 28),
        train_count=60_000,
        test_count=10_000,
        format="idx",
        # The authors' own host (yann.lecun.com) no longer serves the files. These two mirrors, PyTorch's and Google's,
        # hold them bit for bit, as the checksums show.
        files=_idx_files(
            ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"),
            (
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            ),
        ),
        folders=("mnist", "MNIST/raw"),
    ),
    "fashion-mnist": NamedSet(
        title="Fashion-MNIST",
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        shape=(1, 28, 28),
        train_count=60_000,
        test_count=10_000,
        format="idx",
        files=_idx_files(
            ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",),
            (
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            ),
        ),
        folders=("fashion-mnist", "FashionMNIST/raw"),
    ),
    "cifar10": NamedSet(
        title="CIFAR-10",
        classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        shape=(3, 32, 32),
        train_count=50_000,
        test_count=10_000,
        format="cifar10",
        files=(
            RemoteFile(
                name="cifar-10-binary.tar.gz",
                urls=("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
                sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            ),
        ),
        folders=("", "cifar10"),
    ),
    "cifar100": NamedSet(
        title="CIFAR-100",
        classes=tuple(CIFAR100_CLASSES.split()),
        shape=(3, 32, 32),
        train_count=50_000,
        test_count=10_000,
        format="cifar100",
        files=(
            RemoteFile(
                name="cifar-100-binary.tar.gz",
                urls=("https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",),
                sha256="58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            ),
        ),
        folders=("", "cifar100"),
    ),
}

NAMES = ("digits", *NAMED_SETS)


def load_named(name: str) -> tuple[ImageSet, ImageSet, str]:
    """Training images, test images, and the note that a partial set needs, of one of `NAMED_SETS`.

    Raises DataError when a file is damaged, DownloadError when the files are nowhere and cannot be fetched.
    """
    named = NAMED_SETS[name]
    paths = _find(named) or _download(named)
    tensors = decode_once(name, paths, functools.partial(_decode, named, paths))
    train = _image_set(tensors["train_images"], tensors["train_labels"], named.classes, prefix="train")
    test = _image_set(tensors["test_images"], tensors["test_labels"], named.classes, prefix="test")
    return train, test, _note(named, len(train), len(test))


def load_digits() -> ImageSet:
    """scikit-learn's 1,797 handwritten digits (UCI ML, 1998), uint8 (1797, 1, 8, 8): 0 to 16 spread over 0 to 255."""
    rows = _digits_table()
    pixels = np.rint(rows[:, :64].astype(np.float64) * (255 / 16)).astype(np.uint8).reshape(-1, 1, 8, 8)
    labels = rows[:, 64].astype(np.uint8)
    return _image_set(torch.from_numpy(pixels), torch.from_numpy(labels), tuple("0123456789"), prefix="digits")


def _digits_table() -> NDArray[np.uint8]:
    """64 pixel values and the label of each digit, (1797, 65).

    Read from the file scikit-learn carries: 5 ms, where importing sklearn.datasets to do it takes over a second.
    """
    package = importlib.util.find_spec("sklearn")
    for folder in package.submodule_search_locations or () if package else ():
        path = Path(folder, "datasets", "data", "digits.csv.gz")
        if path.exists():
            with gzip.open(path, "rt") as file:
                return np.loadtxt(file, delimiter=",", dtype=np.uint8)
    from sklearn.datasets import load_digits as sklearn_digits  # a version that keeps the file elsewhere

    digits = sklearn_digits()
    return np.column_stack([digits.data, digits.target]).astype(np.uint8)


def is_here(name: str) -> bool:
    """Whether a set of `NAMES` can be loaded without a download."""
    return name not in NAMED_SETS or _find(NAMED_SETS[name]) is not None


def _find(named: NamedSet) -> tuple[Path, ...] | None:
    """The set's files, or its archive or extracted folder; None when they are not on this machine."""
    for root in data_folders():
        for folder in named.folders:
            paths = [_find_file(root / folder, file.name, named.format) for file in named.files]
            if all(paths):
                return tuple(path for path in paths if path)
    return None


def _find_file(folder: Path, name: str, format: Format) -> Path | None:
    """The published file `name` in `folder`: as published, recompressed or unpacked."""
    plain = name.removesuffix(".gz")
    forms = [name, plain]
    if format != "idx":
        forms += [f"{plain}.xz", "cifar-10-batches-bin" if format == "cifar10" else "cifar-100-binary"]
    return next((folder / form for form in forms if os.path.exists(folder / form)), None)


def _download(named: NamedSet) -> tuple[Path, ...]:
    """Fetch the set's files into the user's cache. Raises DownloadError or StorageError that says what else to do."""
    folder = cache_folder() / named.folders[0]
    names = ", ".join(file.name for file in named.files)
    by_hand = f"put {names} into {Path('$SIGHTLINE_DATA', named.folders[0])}"
    try:
        return tuple(download(file, folder) for file in named.files)
    except DownloadError as error:
        what = f"{named.title} is not on this machine and {error.what}"
        hint = f"connect and try again, or {by_hand} or {folder}"
        raise DownloadError(what, where=error.where, hint=hint) from error
    except StorageError as error:
        raise StorageError(f"{named.title} cannot be downloaded: {error.what}", hint=by_hand) from error


def _decode(named: NamedSet, paths: tuple[Path, ...]) -> dict[str, Tensor]:
    """train_images and test_images, uint8 (N, C, H, W), train_labels and test_labels, uint8 (N,)."""
    classes = len(named.classes)
    if named.format == "idx":
        train_paths, test_paths = paths[:2], paths[2:]
        train = read_idx_pair(*train_paths, shape=named.shape, largest=named.train_count, num_classes=classes)
        test = read_idx_pair(*test_paths, shape=named.shape, largest=named.test_count, num_classes=classes)
    elif named.format == "cifar10":
        names = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
        train, test = read_cifar(
            paths[0], train=names, test="test_batch.bin", label_bytes=1, num_classes=classes, largest=(10_000, 10_000)
        )
    else:  # of CIFAR-100's two label bytes the first is the superclass
        train, test = read_cifar(
            paths[0],
            train=("train.bin",),
            test="test.bin",
            label_bytes=2,
            num_classes=classes,
            largest=(50_000, 10_000),
        )
    arrays = {"train_images": train[0], "train_labels": train[1], "test_images": test[0], "test_labels": test[1]}
    return {key: torch.tensor(array) for key, array in arrays.items()}


def _image_set(pixels: Tensor, labels: Tensor, classes: tuple[str, ...], *, prefix: str) -> ImageSet:
    digits = len(str(len(pixels) - 1))
    ids = tuple(f"{prefix}/{i:0{digits}}" for i in range(len(pixels)))
    return ImageSet(ArrayImages(pixels), labels.to(torch.int64), classes, ids)


def _note(named: NamedSet, train: int, test: int) -> str:
    """What must be said of a set of which only a part is present; empty when it is whole."""
    parts = [
        f"{count:,} of the {full:,} {kind} images"
        for count, full, kind in ((train, named.train_count, "training"), (test, named.test_count, "test"))
        if count < full
    ]
    return f"{named.title}: only {' and '.join(parts)} are present" if parts else ""
