"""Ten times the images: at most 10.5 times the time; 100,000 images at most 64 MB of memory above 10,000.

Small JPEGs are made in a temporary folder; of the 100,000 all but 1,000 are links, which take no disk. Each count
is listed, split, prepared and dealt out once in a process of its own, as a training does, into an empty cache and with
none. Memory is the highest of what the process has to itself (RssAnon), without pages of the cache's file, which the
system takes back when it likes. Time is compared between 1,000 and 10,000 images, all of them different.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

from harness import at_most, begin, command_line, print_claims, table

SIDE, CLASSES, DIFFERENT = 96, 2, 1_000


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        one(Path(sys.argv[2]), budget=int(sys.argv[3]))
        return
    args = command_line(__doc__, rounds=3).parse_args()
    begin("growth with the number of images", args)
    small, large = (100, 1_000) if args.quick else (10_000, 100_000)
    rounds = 1 if args.quick else args.rounds
    with tempfile.TemporaryDirectory() as scratch:
        counts = {count: folder_of(Path(scratch, str(count)), count) for count in (small // 10, small, large)}
        medians = {}
        for budget, name in ((10**12, "into the cache"), (0, "decoded every epoch")):
            for count in counts:
                runs = [measured(counts[count], Path(scratch), budget) for _ in range(1 if count == large else rounds)]
                medians[name, count] = [statistics.median(column) for column in zip(*runs, strict=True)]
    rows = [
        [f"{name}, {count:,}", f"{seconds:.2f} s", f"{1e3 * seconds / count:.2f} ms", f"{memory / 1e6:.0f} MB"]
        for (name, count), (seconds, memory) in medians.items()
    ]
    table(("images", "time", "for each", "memory"), rows)
    claims = []
    for name in ("into the cache", "decoded every epoch"):
        ratio = medians[name, small][0] / medians[name, small // 10][0]
        more = (medians[name, large][1] - medians[name, small][1]) / 1e6
        claims.append(at_most(f"{name}: time of {small:,} images, of {small // 10:,}", 10.5, ratio, "x"))
        claims.append(at_most(f"{name}: memory of {large:,} images above {small:,}", 64, more, "MB"))
    print_claims(claims)


def measured(folder: Path, scratch: Path, budget: int) -> tuple[float, float]:
    """Seconds and bytes of a process that goes once through the images of a folder."""
    cache = scratch / "cache"
    shutil.rmtree(cache, ignore_errors=True)
    command = [sys.executable, __file__, "--one", str(folder), str(budget)]
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    seconds, memory = json.loads(done.stdout.splitlines()[-1])
    return seconds, memory


def one(folder: Path, *, budget: int) -> None:
    """In a process of its own: list, split, prepare, one epoch; print seconds and bytes."""
    from sightline.config import AugmentConfig
    from sightline.data.batches import Batches, pixel_source
    from sightline.data.load import load_data
    from sightline.data.store.prepared import prepare
    from sightline.pixels.preprocess import Preprocess

    peak = Peak()
    start = time.perf_counter()
    preprocess = Preprocess(size=(64, 64), mean=(0.5,) * 3, std=(0.5,) * 3)
    splits = prepare(load_data(str(folder)), preprocess, budget=budget)
    batches = Batches(
        pixel_source(splits.train, preprocess), splits.train.labels, batch_size=64, augment=AugmentConfig(), seed=0
    )
    for step in range(batches.steps_per_epoch):
        batches.batch(step)
    seconds = time.perf_counter() - start
    print(json.dumps([seconds, peak.stop()]))


class Peak:
    """The highest memory of this process, looked at every 20 ms: what is its own, where the system says it."""

    def __init__(self) -> None:
        self._highest, self._running = 0, True
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> int:
        self._running = False
        self._thread.join()
        return self._highest

    def _watch(self) -> None:
        status = Path("/proc/self/status")
        while self._running:
            if status.exists():
                line = next(line for line in status.read_text().splitlines() if line.startswith("RssAnon"))
                now = int(line.split()[1]) * 1024
            else:
                now = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            self._highest = max(self._highest, now)
            time.sleep(0.02)


def folder_of(folder: Path, count: int) -> Path:
    """`count` images in class folders. Of many, all but DIFFERENT are links."""
    random = np.random.default_rng(0)
    originals: list[Path] = []
    for index in range(count):
        path = folder / f"class{index % CLASSES}" / f"{index:07}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        if count <= 10 * DIFFERENT or index < DIFFERENT:
            coarse = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
            Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(path)
            originals.append(path)
        else:
            os.link(originals[index % len(originals)], path)
    return folder


if __name__ == "__main__":
    main()
