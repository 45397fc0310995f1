"""The training time machine: its snapshots cost at most 3 % of the training's time, on the digits and on MNIST.

Every training runs in this process, with and without snapshots in turn, so that a machine that slows down slows both.
The share is what the snapshots themselves say they cost, of the training's seconds: exact on a machine with other work,
where whole trainings differ by more than 3 % anyway. How long the whole trainings took is shown beside it.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import sightline
from harness import at_most, begin, command_line, print_claims, table
from sightline.inspection.recorder import SnapshotRecorder
from sightline.inspection.snapshots import read_snapshots

PERCENT = 3.0
TRAININGS = {"digits": 10, "mnist": 2}  # epochs


def training(data: str, epochs: int, out: Path) -> tuple[float, float, int]:
    """Train; the seconds of the epochs, those of the snapshots among them, and how many there are."""
    run = sightline.train(data, epochs=epochs, out=out, quiet=True)
    snapshots = read_snapshots(run.snapshots_folder)
    return run.history[-1]["seconds"], sum(snapshot.cost for snapshot in snapshots), len(snapshots)


def without_snapshots(work: Callable[[], tuple[float, float, int]]) -> tuple[float, float, int]:
    after = SnapshotRecorder.after
    SnapshotRecorder.after = lambda self, epoch: None  # type: ignore[method-assign]
    try:
        return work()
    finally:
        SnapshotRecorder.after = after  # type: ignore[method-assign]


def main() -> None:
    parser = command_line(__doc__, rounds=3)
    parser.add_argument("--only", choices=TRAININGS, help="one data set")
    args = parser.parse_args()
    if args.quick:
        args.rounds = 1
    begin("snapshots' share of the training's time", args)
    claims, rows = [], []
    for data, epochs in TRAININGS.items():
        if args.only not in (None, data) or (args.quick and data == "mnist"):
            continue
        shares, with_seconds, without_seconds, counts = [], [], [], []
        for number in range(args.rounds):
            with tempfile.TemporaryDirectory() as folder:
                started = time.perf_counter()
                seconds, cost, count = training(data, epochs, Path(folder, "with"))
                plain, _, none = without_snapshots(
                    lambda d=data, e=epochs, f=folder: training(d, e, Path(f, "without"))
                )
            assert none == 0
            print(f"{data}, round {number + 1}: {time.perf_counter() - started:.0f} s", flush=True)
            # `Epoch.seconds` of the last epoch ends before its own snapshot, which therefore is added here.
            shares.append(100 * cost / (seconds + cost / count))
            with_seconds.append(seconds)
            without_seconds.append(plain)
            counts.append(count)
        share = statistics.median(shares)
        rows.append(
            [
                f"{data}, {epochs} epochs",
                f"{min(counts)} to {max(counts)}",
                f"{share:.2f} %",
                f"{min(shares):.2f} to {max(shares):.2f}",
                f"{statistics.median(with_seconds):.1f} s",
                f"{statistics.median(without_seconds):.1f} s",
            ]
        )
        claims.append(at_most(f"{data}: snapshots, of the training's time", PERCENT, share, "%"))
    print()
    table(("training", "snapshots", "share, median", "from to", "epochs with", "without"), rows)
    print_claims(claims)


if __name__ == "__main__":
    main()
