"""Copies of images: 100 % of exact ones are found, 99 % of re-encoded or resized, 90 % of mirrored or 5 % cropped ones.

Copies of every clothing photo are planted, one kind at a time, beside all the photos; a copy counts as found when it is
in its photo's group. False alarms are the groups among the photos alone: each was looked at, none holds true copies, so
every image in them counts. CIFAR-10 is read beforehand; its minute is for prints and search together.
"""

import io
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image

from harness import at_least, at_most, begin, command_line, print_claims, table
from sightline.data.audit.duplicates import find_duplicates
from sightline.data.audit.fingerprint import Prints, content_print, fingerprint, fingerprint_arrays, join
from sightline.data.sources.builtin import load_named
from sightline.pixels.decode import read_image

Copy = Callable[[Image.Image, Generator], Image.Image]
MIRROR = Image.Transpose.FLIP_LEFT_RIGHT
LOOK = 96  # pixels; the short side at which the audit decodes


def resized(photo: Image.Image, random: Generator) -> Image.Image:
    """Half to twice the size."""
    scale = 2 ** random.uniform(-1, 1)
    return photo.resize((round(photo.width * scale), round(photo.height * scale)), Image.Resampling.BICUBIC)


def cropped(photo: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = photo.size
    return photo.crop(
        (round(width * left), round(height * top), round(width * (1 - right)), round(height * (1 - bottom)))
    )


def anywhere(photo: Image.Image, random: Generator) -> Image.Image:
    """5 % of the width and of the height gone, shared at random between opposite sides."""
    left, top = random.uniform(0, 0.05, 2)
    return cropped(photo, left, top, 0.05 - left, 0.05 - top)


KINDS: dict[str, tuple[float, Copy]] = {
    "re-encoded": (99, lambda photo, random: photo),
    "resized 0.5 to 2 times": (99, resized),
    "mirrored": (90, lambda photo, random: photo.transpose(MIRROR)),
    "cropped by 5 %": (90, anywhere),
    "cropped by 5 %, one corner": (90, lambda photo, random: cropped(photo, 0.05, 0.05, 0, 0)),
    "cropped by 5 % on every side": (90, lambda photo, random: cropped(photo, 0.05, 0.05, 0.05, 0.05)),
    "mirrored and cropped by 5 %": (90, lambda photo, random: anywhere(photo.transpose(MIRROR), random)),
}


def prints_of(files: list[bytes]) -> Prints:
    perceptual = [fingerprint(read_image(data, min_size=LOOK)) for data in files]
    return Prints(content=np.stack([content_print(data) for data in files]), perceptual=np.stack(perceptual))


def planted(files: list[bytes], copy: Copy, seed: int) -> Prints:
    """The prints of one copy of each photo, saved as JPEG with a quality of 60 to 95."""
    random = np.random.default_rng(seed)
    prints = []
    for data in files:
        stream = io.BytesIO()
        copy(Image.fromarray(read_image(data)), random).save(stream, "JPEG", quality=int(random.integers(60, 96)))
        prints.append(prints_of([stream.getvalue()]))
    return join(prints)


def share_found(photos: Prints, copies: Prints) -> float:
    """The share of copies, in percent, that are in the group of their photo."""
    group_of = {
        index: number for number, group in enumerate(find_duplicates(join([photos, copies]))) for index in group.indices
    }
    count = len(photos)
    return 100 * float(np.mean([i in group_of and group_of[i] == group_of.get(i + count) for i in range(count)]))


def main() -> None:
    args = command_line(__doc__).parse_args()
    begin("copies of images", args)
    shared = Path(os.environ["SIGHTLINE_DATA"])
    paths = sorted((shared / "clothing").rglob("*.jpg"))[:: 20 if args.quick else 1]
    files = [path.read_bytes() for path in paths]
    photos = prints_of(files)

    with ThreadPoolExecutor(2) as pool:
        jobs = {kind: pool.submit(planted, files, copy, seed) for seed, (kind, (_, copy)) in enumerate(KINDS.items())}
        shares = {"exact": (100, share_found(photos, photos))}
        shares |= {kind: (KINDS[kind][0], share_found(photos, job.result())) for kind, job in jobs.items()}
    table((f"copies of {len(files):,} clothing photos", "found"), [[k, f"{v:.1f} %"] for k, (_, v) in shares.items()])

    groups = find_duplicates(photos)
    for group in groups:
        print("flagged:", *(paths[index].relative_to(shared) for index in group.indices))
    flagged = 100 * sum(len(group.indices) for group in groups) / len(photos)

    train, test, _ = load_named("cifar10")
    pixels = [part.images.pixels.numpy()[:: 50 if args.quick else 1] for part in (train, test)]
    started = time.perf_counter()
    prints = join([fingerprint_arrays(part) for part in pixels])
    printed = time.perf_counter()
    cifar = find_duplicates(prints)
    searched = time.perf_counter()
    border = len(pixels[0])
    leaks = {i for group in cifar if group.indices[0] < border for i in group.indices if i >= border}
    within = sum(sum(i < border for i in group.indices) > 1 for group in cifar)
    exact = sum(group.kind == "exact" for group in cifar)
    table(
        ("CIFAR-10", ""),
        [
            ["images", f"{len(prints):,}"],
            ["prints", f"{printed - started:.1f} s"],
            ["search", f"{searched - printed:.1f} s"],
            ["groups, of which exact", f"{len(cifar):,}, {exact:,}"],
            ["groups with several training images", f"{within:,}"],
            ["test images with a copy in training", f"{len(leaks):,} of {len(pixels[1]):,}"],
        ],
    )
    print_claims(
        [
            *(at_least(f"{kind}: found", wanted, share, "%") for kind, (wanted, share) in shares.items()),
            at_most("false alarms among the clothing photos", 0.5, flagged, "%"),
            at_most("CIFAR-10, prints and search", 60, searched - started, "s"),
        ]
    )


if __name__ == "__main__":
    main()
