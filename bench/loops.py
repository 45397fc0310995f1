"""Three loops that train `custom_cnn` on random images: `fit`, and two written by hand in PyTorch.

fit     `sightline.fit` with all it does: gathering and normalising the batch, checking the loss.
plain   as in a tutorial: float32, contiguous, Adam, on images normalised beforehand and sliced in order. Without a
        loader and without shuffling it does less than a tutorial's loop.
tuned   what `fit` does, bare: bf16 where the device has it, channels-last, shuffled uint8 batches gathered and
        normalised on the device, fused AdamW, freed memory kept. What `fit` takes longer than this is its overhead.

As a script: one of them as a worker for `interleave.py`.
"""

import argparse
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

import sightline as sl
from rivals.serve import serve
from sightline.data.imageset import ArrayImages
from sightline.machine.device import find_device, find_precision, keep_freed_memory

Epoch = Callable[[], object]  # one pass over the images
CLASSES = tuple("0123456789")
LR, L2 = 1e-3, 1e-4
PREPROCESS = sl.Preprocess(size=(32, 32), mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))


def fit(images: Tensor, labels: Tensor, *, batch_size: int, device: str) -> Epoch:
    """images: uint8 (N, 3, 32, 32) and labels: int64 (N,), on the CPU; so for the others."""
    train = sl.ImageSet(ArrayImages(images), labels, CLASSES, ids=tuple(map(str, range(len(images)))))
    config = sl.TrainConfig(
        epochs=1_000_000,  # the caller decides when it is enough
        batch_size=batch_size,
        groups=(sl.ParameterGroup(optimizer="adamw", lr=LR),),
        schedule="constant",
        l2=L2,
        device=device,
    )
    splits = sl.Splits("random", train, None, None)
    epochs = sl.fit(_network(), splits, config, preprocess=PREPROCESS)
    return lambda: next(epochs)


def plain(images: Tensor, labels: Tensor, *, batch_size: int, device: str) -> Epoch:
    network = _network().to(find_device(device))
    inputs, targets = ((images.float() / 255 - 0.5) / 0.5).to(find_device(device)), labels.to(find_device(device))
    optimizer = torch.optim.Adam(network.parameters(), lr=LR)

    def epoch() -> float:
        for x, y in zip(inputs.split(batch_size), targets.split(batch_size), strict=True):
            optimizer.zero_grad()
            loss = F.cross_entropy(network(x), y) + _penalty(network)
            loss.backward()
            optimizer.step()
        return loss.item()

    return epoch


def tuned(images: Tensor, labels: Tensor, *, batch_size: int, device: str) -> Epoch:
    where = find_device(device)
    if where.type == "cpu":
        keep_freed_memory()
    images, labels = images.to(where), labels.to(where)
    network = _network().to(where, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=LR, weight_decay=0.0, fused=True)
    precision = find_precision("auto", where)

    def epoch() -> float:
        for chosen in torch.randperm(len(images)).to(where).split(batch_size):
            x, y = PREPROCESS.normalise(images.index_select(0, chosen)), labels.index_select(0, chosen)
            with precision.autocast(where):
                logits = network(x)
            loss = F.cross_entropy(logits.float(), y) + _penalty(network)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return loss.item()

    return epoch


LOOPS = {"fit": fit, "plain": plain, "tuned": tuned}


def make_loop(name: str, *, steps: int, batch_size: int, device: str) -> Epoch:
    """The loop called `name`; each call of it is `steps` training steps."""
    torch.manual_seed(0)
    images = torch.randint(256, (steps * batch_size, 3, 32, 32), dtype=torch.uint8)
    labels = torch.randint(len(CLASSES), (len(images),))
    return LOOPS[name](images, labels, batch_size=batch_size, device=device)


def _network() -> nn.Module:
    return sl.create_model("custom_cnn", num_classes=len(CLASSES)).train()


def _penalty(network: nn.Module) -> Tensor:
    """L2 of every filter and linear weight, as Keras's kernel_regularizer adds it to the loss."""
    return L2 * torch.stack([weight.square().sum() for weight in network.parameters() if weight.ndim > 1]).sum()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=LOOPS)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    serve(make_loop(args.name, steps=args.steps, batch_size=args.batch_size, device=args.device))


if __name__ == "__main__":
    main()
