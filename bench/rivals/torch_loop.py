"""A training loop written by hand in PyTorch: plain, as in a tutorial, or tuned with everything that `fit` does.

plain: float32, contiguous, Adam, on images normalised beforehand and sliced in order: no loader, no shuffling. That is
less work than a tutorial's loop has.
tuned: bf16 where the device has it, channels-last, shuffled uint8 batches gathered and normalised on the device, fused
AdamW, freed memory kept. What `fit` takes longer than this is its overhead.
"""

import argparse
from collections.abc import Callable

import torch
from serve import serve
from torch import Tensor, nn
from torch.nn import functional as F

import sightline as sl
from sightline.training.device import find_device, find_precision, keep_freed_memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=("plain", "tuned"))
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--batch-size", type=int, required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--l2", type=float, default=1e-4)
    args = parser.parse_args()

    torch.manual_seed(0)
    device = find_device(args.device)
    count = args.steps * args.batch_size
    images = torch.randint(256, (count, 3, 32, 32), dtype=torch.uint8).to(device)
    labels = torch.randint(10, (count,)).to(device)
    network = sl.create_model("custom_cnn", num_classes=10).to(device).train()
    make = plain if args.kind == "plain" else tuned
    serve(make(network, images, labels, batch_size=args.batch_size, l2=args.l2))


def plain(network: nn.Module, images: Tensor, labels: Tensor, *, batch_size: int, l2: float) -> Callable[[], float]:
    """One pass over the images. images: uint8 (N, C, H, W); labels: int64 (N,)."""
    inputs = (images.float() / 255 - 0.5) / 0.5
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def epoch() -> float:
        for x, y in zip(inputs.split(batch_size), labels.split(batch_size), strict=True):
            optimizer.zero_grad()
            loss = F.cross_entropy(network(x), y) + penalty(network, l2)
            loss.backward()
            optimizer.step()
        return loss.item()

    return epoch


def tuned(network: nn.Module, images: Tensor, labels: Tensor, *, batch_size: int, l2: float) -> Callable[[], float]:
    """One shuffled pass over the images. images: uint8 (N, C, H, W); labels: int64 (N,)."""
    if images.device.type == "cpu":
        keep_freed_memory()
    network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=0.0, fused=True)
    preprocess = sl.Preprocess(size=(32, 32), mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    precision = find_precision("auto", images.device)

    def epoch() -> float:
        for chosen in torch.randperm(len(images)).to(images.device).split(batch_size):
            x, y = preprocess.normalise(images.index_select(0, chosen)), labels.index_select(0, chosen)
            with precision.autocast(images.device):
                logits = network(x)
            loss = F.cross_entropy(logits.float(), y) + penalty(network, l2)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return loss.item()

    return epoch


def penalty(network: nn.Module, l2: float) -> Tensor | float:
    """L2 of every filter and linear weight, as Keras's kernel_regularizer adds it to the loss."""
    if l2 == 0:
        return 0.0
    return l2 * torch.stack([weight.square().sum() for weight in network.parameters() if weight.ndim > 1]).sum()


if __name__ == "__main__":
    main()
