"""A folder of JPEGs to batches, beside torchvision's ImageFolder + DataLoader with 2 workers, in the same run.

Two folders: photos of about 500 pixels ($SIGHTLINE_DATA/clothing), and the same enlarged to 12 megapixels, made in a
temporary folder. Batches of 64 at 224 pixels, two ways: the centre of every image, as for frozen features and for
evaluation, and random resized crops. One round is: the rival, the bare decoders, ours cold (decoded, nothing kept),
ours into an empty cache, ours warm (from the cache, opening it included); taking turns, so that a processor that slows
down slows all of them. The rival normalises, too, ours leaves uint8: that is done on the device, with the whole batch.

The bare decoder is Pillow's, the one the rival has: whole images to RGB arrays, in two threads, nothing else done.
"""

import math
import os
import shutil
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from harness import at_least, begin, command_line, print_claims, table
from sightline.config import AugmentConfig
from sightline.data.batches import Batches, pixel_source
from sightline.data.images import EncodedImages
from sightline.data.imageset import ImageSet, Splits
from sightline.data.originals import Files
from sightline.data.store.prepared import prepare
from sightline.machine.device import keep_freed_memory
from sightline.pixels.preprocess import Preprocess

SIZE, BATCH, WORKERS, MEGAPIXELS = 224, 64, 2, 12e6
ROOM = 256 / 224  # what the cache keeps, for random crops
SEEN = Preprocess(size=(SIZE, SIZE), mean=(0.5,) * 3, std=(0.5,) * 3)
CROPS = AugmentConfig(resized_crop=0.35, flip="random")


def main() -> None:
    args = command_line(__doc__, rounds=5).parse_args()
    rounds = 1 if args.quick else args.rounds
    begin("JPEG folder to batches", args)
    if "SIGHTLINE_DATA" not in os.environ:
        raise SystemExit("set SIGHTLINE_DATA to the folder with clothing/ (bench/README.md)")
    photos = Path(os.environ["SIGHTLINE_DATA"], "clothing", "train")
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["XDG_CACHE_HOME"] = scratch  # the cache is empty, and the user's own is left alone
        few = some_of(photos, Path(scratch, "few"), 64 if args.quick else 100_000)
        large = enlarged(photos, Path(scratch, "large"), 8 if args.quick else 120)
        claims = []
        for name, folder, times in (("~500 pixels", few, 2), ("12 megapixels", large, 3)):
            for kind, varied in (("centre", AugmentConfig()), ("random crops", CROPS)):
                rate = measure(folder, varied, rounds)
                rows = [[way, f"{speed:,.0f}", f"{speed / rate['rival']:.2f} x"] for way, speed in rate.items()]
                table((f"{name}, {kind}, {rounds} rounds", "images/s", "of the rival's"), rows)
                claims += [
                    at_least(f"{name}, {kind}: cold, of the rival", times, rate["cold"] / rate["rival"], "x"),
                    at_least(f"{name}, {kind}: cold, of bare Pillow", 0.85, rate["cold"] / rate["bare Pillow"], "x"),
                    at_least(f"{name}, {kind}: warm, of the rival", 10, rate["warm"] / rate["rival"], "x"),
                ]
        print_claims(claims)


def measure(folder: Path, varied: AugmentConfig, rounds: int) -> dict[str, float]:
    """Images per second, the median over rounds, of every way."""
    keep_freed_memory()  # as every training does
    paths = tuple(sorted(folder.rglob("*.jpg")))
    labels = torch.zeros(len(paths), dtype=torch.int64)
    splits = Splits(
        "photos", ImageSet(EncodedImages(Files(paths)), labels, ("one",), tuple(map(str, paths))), None, None
    )
    cache = Path(os.environ["XDG_CACHE_HOME"], "sightline")
    room = ROOM if varied.resized_crop else 1.0
    ways: dict[str, Callable[[], None]] = {
        "rival": lambda: consume(rival_batches(folder, random_crops=varied.resized_crop > 0)),
        "bare Pillow": lambda: decode_only(paths, pillow),
        "bare torchvision": lambda: decode_only(paths, torchvision_decoder()),
        "cold": lambda: consume(dealt(splits, varied)),
        "cold, into the cache": lambda: consume(dealt(prepare(splits, SEEN, room=room), varied)),
        "warm": lambda: consume(dealt(prepare(splits, SEEN, room=room), varied)),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for path in paths:
        path.read_bytes()  # from the disk once: what is measured is not the disk
    for _ in range(rounds):
        shutil.rmtree(cache, ignore_errors=True)
        for way, run in ways.items():
            start = time.perf_counter()
            run()
            seconds[way].append(time.perf_counter() - start)
    return {way: len(paths) / statistics.median(values) for way, values in seconds.items()}


def consume(batches: Iterator[torch.Tensor]) -> None:
    """Touch every batch, as a network would."""
    for batch in batches:
        assert batch.shape[1:] == (3, SIZE, SIZE)


def dealt(splits: Splits, varied: AugmentConfig) -> Iterator[torch.Tensor]:
    """One epoch of ours."""
    source, labels = pixel_source(splits.train, SEEN), splits.train.labels
    batches = Batches(source, labels, batch_size=BATCH, augment=varied, seed=0, size=SEEN.size)
    return (batches.batch(step).images for step in range(batches.steps_per_epoch))


def rival_batches(folder: Path, *, random_crops: bool) -> Iterator[torch.Tensor]:
    """ImageFolder and DataLoader as in PyTorch's own examples."""
    from torchvision import transforms
    from torchvision.datasets import ImageFolder

    if random_crops:
        geometry = [transforms.RandomResizedCrop(SIZE, scale=(0.35, 1)), transforms.RandomHorizontalFlip()]
    else:
        geometry = [transforms.Resize(SIZE), transforms.CenterCrop(SIZE)]
    transform = transforms.Compose([*geometry, transforms.ToTensor(), transforms.Normalize((0.5,) * 3, (0.5,) * 3)])
    dataset = ImageFolder(str(folder), transform)
    loader = torch.utils.data.DataLoader(dataset, batch_size=BATCH, shuffle=True, num_workers=WORKERS)
    return (images for images, _ in loader)


def decode_only(paths: Sequence[Path], decode: Callable[[Path], object]) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(decode, paths):
            pass


def pillow(path: Path) -> object:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def torchvision_decoder() -> Callable[[Path], object]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchvision.io import ImageReadMode, decode_jpeg, read_file
    warnings.filterwarnings("ignore", module="torchvision")
    return lambda path: decode_jpeg(read_file(str(path)), ImageReadMode.RGB)


def some_of(folder: Path, into: Path, count: int) -> Path:
    """A folder of class folders with links to at most `count` photos, evenly spaced."""
    paths = sorted(folder.rglob("*.jpg"))
    for path in paths[:: max(1, len(paths) // count)]:
        target = into / path.parent.name
        target.mkdir(parents=True, exist_ok=True)
        (target / path.name).symlink_to(path)
    return into


def enlarged(folder: Path, into: Path, count: int) -> Path:
    """Photos enlarged to 12 megapixels."""
    paths = sorted(folder.rglob("*.jpg"))
    for path in paths[:: max(1, len(paths) // count)][:count]:
        target = into / path.parent.name
        target.mkdir(parents=True, exist_ok=True)
        with Image.open(path) as image:
            scale = math.sqrt(MEGAPIXELS / (image.width * image.height))
            size = (round(image.width * scale), round(image.height * scale))
            image.convert("RGB").resize(size, Image.Resampling.BICUBIC).save(target / path.name, quality=90)
    return into


if __name__ == "__main__":
    main()
