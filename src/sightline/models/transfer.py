"""Which part of a pretrained network learns, and how fast: its blocks, counted from the output back to the image.

A block is a layer of `stages` with layers inside, e.g. a residual block; single layers that follow one another count as
one block together.
"""

from collections.abc import Iterator
from typing import Literal

from torch import nn

from sightline.config import ParameterGroup
from sightline.errors import ModelError
from sightline.models.contract import Network

MOST = 0.7

Block = tuple[str, ...]  # the names of its layers, e.g. ("stages.layer4.1",) or ("stages.stem.conv", "stages.stem.bn")


def blocks(network: Network) -> list[Block]:
    """The blocks of the stages that have something to learn, from the image to the output."""
    every = _blocks(network.stages, "stages")
    return [block for block in every if any(True for name in block for _ in network.layer(name).parameters())]


def freeze(network: Network) -> None:
    """Let nothing learn but the output layer."""
    network.requires_grad_(False)
    network.head.get_submodule("output").requires_grad_(True)


def unfreeze(network: Network, last: int | Literal["all"]) -> None:
    """Let the whole head and the last blocks learn, or all of them, and nothing else. Raises ModelError for below 1."""
    if last != "all" and last < 1:
        raise ModelError(f"{last} blocks are to learn", where="unfreeze", hint='use 1 or more, or "all"')
    network.requires_grad_(last == "all")
    network.head.requires_grad_(True)
    for block in blocks(network)[-last:] if last != "all" else ():
        for name in block:
            network.layer(name).requires_grad_(True)


def most_blocks(network: Network) -> int:
    """The number of last blocks that fine-tuning lets learn by itself: about 70 %.

    The first ones see edges and colours, which hardly differ from one set of photos to another, and their large maps
    take most of the time: on two cores MobileNetV2's last 15 of 21 blocks train twice as fast as the last 19.
    """
    return max(1, round(MOST * len(blocks(network))))


def groups_by_depth(
    network: Network, *, lr: float, nearest: float = 0.1, deepest: float = 0.03, weight_decay: float = 0.01
) -> tuple[ParameterGroup, ...]:
    """Parameter groups for AdamW whose rates fall with depth: edges and colours need less change than what they form.

    lr: the peak of the head. The block nearest to it learns at `nearest` times that, the one at the image at `deepest`
    times, the rates between fall by the same factor from block to block (as in Howard and Ruder 2018, arXiv 1801.06146,
    section 3.2).
    """
    names = blocks(network)[::-1]
    step = (deepest / nearest) ** (1 / max(1, len(names) - 1))
    parts = [("^head", lr)]
    parts += [(_pattern(block), lr * nearest * step**depth) for depth, block in enumerate(names)]
    parts += [("", lr * deepest)]  # what stands beside the blocks, e.g. a transformer's position embedding
    return tuple(
        ParameterGroup(match=pattern, optimizer="adamw", lr=rate, weight_decay=weight_decay) for pattern, rate in parts
    )


def _blocks(container: nn.Module, name: str) -> Iterator[Block]:
    """The blocks inside a sequence of layers, in order."""
    run: list[str] = []
    for key, layer in container.named_children():
        if not list(layer.children()):
            run.append(f"{name}.{key}")
            continue
        if run:
            yield tuple(run)
            run = []
        inside = list(layer.children())
        if isinstance(layer, nn.Sequential) and any(list(part.children()) for part in inside):
            yield from _blocks(layer, f"{name}.{key}")
        else:
            yield (f"{name}.{key}",)
    if run:
        yield tuple(run)


def _pattern(block: Block) -> str:
    """A regular expression that finds the parameters of a block by name."""
    return "^(" + "|".join(name.replace(".", r"\.") for name in block) + r")\."
