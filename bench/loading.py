"""A folder of JPEGs to batches, beside torchvision's ImageFolder + DataLoader with 2 workers, in the same run.

Two folders: photos of about 500 pixels ($SIGHTLINE_DATA/clothing), and the same enlarged to 12 megapixels, made in a
temporary folder. Both sides deliver uint8 or float batches of 64 random resized crops of 224 pixels. One round is: the
rival, a bare decoder, ours cold (decoding, cropping, and nothing kept), ours into an empty cache, and ours warm (from
the cache, opening it included). They take turns, so that a processor that slows down slows all of them.

The bare decoder is the quicker of Pillow's and torchvision's: whole images to RGB, in two threads, nothing else done.
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

import torch
from PIL import Image

from harness import at_least, begin, command_line, print_claims, table
from sightline.config import AugmentConfig
from sightline.data.batches import Batches, pixel_source
from sightline.data.imageset import FileImages, ImageSet, Splits
from sightline.data.prepared import prepare
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
            rate = measure(folder, rounds)
            rows = [[way, f"{found:,.0f}", f"{found / rate['rival']:.2f} x"] for way, found in rate.items()]
            table((f"{name}, {rounds} rounds", "images/s", "of the rival's"), rows)
            bare = max(rate["bare Pillow"], rate["bare torchvision"])
            claims += [
                at_least(f"{name}: cold, of ImageFolder + DataLoader", times, rate["cold"] / rate["rival"], "x"),
                at_least(f"{name}: cold, of the bare decoder", 0.85, rate["cold"] / bare, "x"),
                at_least(f"{name}: warm, of ImageFolder + DataLoader", 10, rate["warm"] / rate["rival"], "x"),
            ]
        print_claims(claims)


def measure(folder: Path, rounds: int) -> dict[str, float]:
    """Images per second, the median over rounds, of every way."""
    paths = tuple(sorted(folder.rglob("*.jpg")))
    labels = torch.zeros(len(paths), dtype=torch.int64)
    splits = Splits("photos", ImageSet(FileImages(paths), labels, ("one",), tuple(map(str, paths))), None, None)
    cache = Path(os.environ["XDG_CACHE_HOME"], "sightline")
    ways: dict[str, Callable[[], None]] = {
        "rival": lambda: consume(rival_batches(folder)),
        "bare Pillow": lambda: decode_only(paths, pillow),
        "bare torchvision": lambda: decode_only(paths, torchvision_decoder()),
        "cold": lambda: consume(dealt(splits)),
        "cold, into the cache": lambda: consume(dealt(prepare(splits, SEEN, room=ROOM))),
        "warm": lambda: consume(dealt(prepare(splits, SEEN, room=ROOM))),
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


def dealt(splits: Splits) -> Iterator[torch.Tensor]:
    """One epoch of ours, random resized crops and flips."""
    source, labels = pixel_source(splits.train, SEEN), splits.train.labels
    batches = Batches(source, labels, batch_size=BATCH, augment=CROPS, seed=0, size=SEEN.size)
    return (batches.batch(step).images for step in range(batches.steps_per_epoch))


def rival_batches(folder: Path) -> Iterator[torch.Tensor]:
    """ImageFolder and DataLoader as in PyTorch's own examples."""
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import v2

    transform = v2.Compose(
        [
            v2.PILToTensor(),
            v2.RandomResizedCrop(SIZE, scale=(0.35, 1), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize((0.5,) * 3, (0.5,) * 3),
        ]
    )
    dataset = ImageFolder(str(folder), transform)
    loader = torch.utils.data.DataLoader(dataset, batch_size=BATCH, shuffle=True, num_workers=WORKERS)
    return (images for images, _ in loader)


def decode_only(paths: Sequence[Path], decode: Callable[[Path], object]) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(decode, paths):
            pass


def pillow(path: Path) -> object:
    with Image.open(path) as image:
        return image.convert("RGB")


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
