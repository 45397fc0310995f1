"""Photos 2: the frozen stage costs at most 1.15 passes of the backbone over the images, views counted.

The stage is what a training does after it has read the photos: every image and every varied view of it through the
network, nothing known from before, and the head with its cross-validation. A pass is a loop over the same images,
already decoded and resized, in plain bf16 autocast and with the better of two batch sizes: normalise, network, nothing
else. They take turns in one process. Ours may be quicker than that pass: it folds batch norm into the convolutions.
"""

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from harness import Claim, at_most, begin, command_line, print_claims, table
from sightline.config import AugmentConfig
from sightline.data.imageset import ImageSet
from sightline.data.load import load_data
from sightline.data.store.prepared import prepare
from sightline.machine.device import Precision, find_device, find_precision, keep_freed_memory
from sightline.models.contract import Network
from sightline.models.pretrained import load_pretrained
from sightline.pixels.preprocess import Preprocess
from sightline.training.features import extract
from sightline.training.head import fit_head

PASSES = 1.15
BATCH_SIZES = (16, 64)
VARIATION = AugmentConfig(flip="random", resized_crop=0.35)


def main() -> None:
    parser = command_line(__doc__, rounds=5)
    parser.add_argument("--data", default=os.path.join(os.environ.get("SIGHTLINE_DATA", ""), "clothing"))
    parser.add_argument("--model", default="mobilenetv2_100")
    parser.add_argument("--weights", help="default: weights/MODEL_same.safetensors beside the data")
    parser.add_argument("--views", type=int, default=1, help="varied views of each training image")
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    if args.quick:
        args.rounds = 1
    weights = args.weights or Path(args.data).parent / "weights" / f"{args.model}_same.safetensors"
    begin(f"{args.model}, frozen: the whole stage over a bare loop", args)
    keep_freed_memory()  # for the bare loop as well

    device = find_device(args.device)
    precision = find_precision("auto", device)
    loaded = load_pretrained(args.model, weights=weights, num_classes=10)
    network, preprocess = loaded.network, loaded.preprocess
    splits = prepare(load_data(args.data, val="0"), preprocess)
    train = splits.train.take(range(64)) if args.quick else splits.train
    pixels = torch.stack([torch.from_numpy(train.images.read(i)).permute(2, 0, 1) for i in range(len(train))])
    network.to(device, memory_format=torch.channels_last).eval()

    def stage() -> None:
        frozen_stage(network, train, preprocess, device, precision, views=args.views)

    def features() -> None:
        extract(network, train, preprocess, device=device, precision=precision, keep=False)

    loops = {size: bare_loop(network, pixels, preprocess, device, precision, size) for size in BATCH_SIZES}
    tried = {size: min(clock(loop) for _ in range(2)) for size, loop in loops.items()}
    best = min(tried, key=lambda size: tried[size])
    contenders: dict[str, tuple[Callable[[], None], int]] = {
        f"bare bf16 loop, batches of {best}": (loops[best], 1),
        f"frozen stage, {1 + args.views} views and the head": (stage, 1 + args.views),
        "of it, one pass": (features, 1),
    }
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(args.rounds):
        for name, (work, passes) in contenders.items():
            seconds[name].append(clock(work) / passes)
    bare, whole, _ = seconds.values()
    ratios = {name: statistics.median(a / b for a, b in zip(s, bare, strict=True)) for name, s in seconds.items()}
    table(
        ("a pass over the images", "median", "rounds from to", "images/s", "times bare"),
        [
            [
                name,
                f"{statistics.median(s):.2f} s",
                f"{min(s):.2f} to {max(s):.2f}",
                f"{len(train) / statistics.median(s):,.0f}",
                f"{ratios[name]:.3f}",
            ]
            for name, s in seconds.items()
        ],
    )
    claims: list[Claim] = [at_most("frozen stage", PASSES, statistics.median(map(ratio, whole, bare)), "passes")]
    print_claims(claims)


def ratio(a: float, b: float) -> float:
    return a / b


def clock(work: Callable[[], None]) -> float:
    """How long some work takes, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def frozen_stage(
    network: Network,
    images: ImageSet,
    preprocess: Preprocess,
    device: torch.device,
    precision: Precision,
    *,
    views: int,
) -> None:
    """Features of every view, and the head that learns from them."""
    values = [
        extract(
            network,
            images,
            preprocess,
            device=device,
            precision=precision,
            view=view,
            variation=VARIATION,
            keep=False,
        ).values
        for view in range(1 + views)
    ]
    fit_head(torch.stack(values), images.labels, len(images.classes))


def bare_loop(
    network: Network,
    pixels: torch.Tensor,
    preprocess: Preprocess,
    device: torch.device,
    precision: Precision,
    batch_size: int,
) -> Callable[[], None]:
    """The network over decoded images, uint8 (N, C, H, W), and nothing else."""

    def loop() -> None:
        with torch.inference_mode(), precision.autocast(device):
            for batch in torch.split(pixels, batch_size):
                network(preprocess.normalise(batch.to(device)))
        if device.type == "cuda":
            torch.cuda.synchronize()

    return loop


if __name__ == "__main__":
    main()
