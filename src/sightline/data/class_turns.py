"""Which images to show when not all can be: one of each class, then another of each."""

import torch
from torch import Generator, Tensor


def in_class_turns(labels: Tensor, generator: Generator | None = None, *, by_class: bool = True) -> Tensor:
    """All indices of `labels`, such that classes take turns: one image of each, then another of each: int64 (N,).

    labels: int64 (N,). generator: draws the order of the images; by default it is their own. by_class: within a turn
    classes stand in the order of their numbers; otherwise images stand in the order that was drawn.
    """
    count = len(labels)
    order = torch.arange(count) if generator is None else torch.randperm(count, generator=generator)
    ordered = labels[order]
    grouped = ordered.argsort(stable=True)  # class by class
    sizes = torch.bincount(ordered)
    turns = torch.empty_like(grouped)  # how many images of the same class come before each
    turns[grouped] = torch.arange(count) - (sizes.cumsum(0) - sizes)[ordered[grouped]]
    places = grouped if by_class else torch.arange(count)
    return order[places[turns[places].argsort(stable=True)]]
