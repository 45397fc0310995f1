"""Pretrained networks side by side: what each costs and how well it did on ImageNet.

`imagenet.csv` has, for the weights that timm takes by default (or those of its first training, where a name is given
with a tag):

parameters, multiply_adds   counted by `summary` at `size`, with 1000 classes
size                        pixels the network was trained at and is built for
top1, top1_size             per cent of the 50,000 validation images, and the size they were scored at, as measured by
                            timm: github.com/huggingface/pytorch-image-models, results/results-imagenet.csv, commit
                            0173a139a2c66db3a41ebfe1d8ac4fb02483642e. Bigger than `size` is common there, and better by
                            up to two points.
licence                     of the weights, as timm states it

A test counts again and compares with timm.
"""

import csv
import time
from dataclasses import dataclass
from functools import cache
from importlib import resources

import torch

from sightline.models.folding import folded
from sightline.models.registry import find_architecture

SOURCE = "timm's results-imagenet.csv (github.com/huggingface/pytorch-image-models, commit 0173a139)"
BATCH = 16  # images at once when the speed is measured
SECONDS = 2.0  # to measure one network for


@dataclass(frozen=True, kw_only=True)
class Backbone:
    """One pretrained network; the fields are told at the top of this file."""

    name: str
    weights: str  # timm's full name of them
    parameters: int
    multiply_adds: int
    size: int
    top1: float
    top1_size: int
    licence: str

    @property
    def megabytes(self) -> float:
        """Size of the weights in float32, in 10^6 bytes."""
        return 4 * self.parameters / 1e6


@cache
def list_backbones(filter: str = "") -> tuple[Backbone, ...]:
    """The compared networks whose name contains `filter`, the best on ImageNet first."""
    with resources.files("sightline.models").joinpath("imagenet.csv").open(encoding="utf-8") as file:
        rows = [
            Backbone(
                name=row["name"],
                weights=row["weights"],
                parameters=int(row["parameters"]),
                multiply_adds=int(row["multiply_adds"]),
                size=int(row["size"]),
                top1=float(row["top1"]),
                top1_size=int(row["top1_size"]),
                licence=row["licence"],
            )
            for row in csv.DictReader(file)
        ]
    return tuple(sorted((row for row in rows if filter.lower() in row.name), key=lambda row: -row.top1))


def named_by_parameters(parameters: int) -> str:
    """The compared network that has exactly so many parameters, or an empty text."""
    return next((row.name for row in list_backbones() if row.parameters == parameters), "")


def measure(backbone: Backbone, *, device: torch.device, bf16: bool) -> float:
    """Images per second that the network answers when nothing in it is trained; decoding is not counted.

    bf16: in this precision rather than float32.
    """
    dtype = torch.bfloat16 if bf16 else torch.float32
    network = folded(find_architecture(backbone.name, num_classes=1000).build())
    network.to(device=device, dtype=dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.rand(BATCH, 3, backbone.size, backbone.size, device=device, dtype=dtype)
    images = images.contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        network(images)  # the first batch also chooses kernels and fills caches
        batches, start, seconds = 0, time.perf_counter(), 0.0
        while seconds < SECONDS:
            network(images).sum().item()  # waits for the device
            batches, seconds = batches + 1, time.perf_counter() - start
    return batches * BATCH / seconds
