"""Random numbers that can be told in advance: every draw follows from a seed or from a generator that is passed."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Generator, Tensor


def derived_seed(seed: int, purpose: str, number: int) -> int:
    """A seed, 0 to 2**63 - 1, for one purpose and number: neighbouring inputs give unrelated generators."""
    digest = hashlib.blake2b(f"{seed}/{purpose}/{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def drawn(count: int, limit: int, seed: int = 0) -> Tensor:
    """At most `limit` of `count` indices, drawn at random and in order, int64.

    Not evenly spaced: a set whose classes take turns would show one of them.
    """
    if count <= limit:
        return torch.arange(count)
    generator = Generator().manual_seed(derived_seed(seed, "sample", count))
    return torch.randperm(count, generator=generator)[:limit].sort().values


def scrambled_bit(indices: Tensor) -> Tensor:
    """A fixed pseudo-random bit, int64 0 or 1, for each index: the lowest bit after a 32-bit integer hash."""
    hashed = indices.to(torch.int64)
    for _ in range(2):
        hashed = ((hashed >> 16) ^ hashed) * 0x045D9F3B & 0xFFFFFFFF
    return ((hashed >> 16) ^ hashed) & 1


def uniform(low: float, high: float, count: int, *, generator: Generator) -> Tensor:
    """`count` float32 numbers, evenly distributed from `low` to `high`, on the generator's device."""
    return torch.rand(count, generator=generator, device=generator.device) * (high - low) + low


@contextmanager
def global_generator_from(generator: Generator) -> Iterator[None]:
    """Within the block torch's global CPU generator follows from `generator`; afterwards it is as it was before.

    For torchvision's transforms, which draw from the global generator only.
    """
    seed = int(torch.randint(2**62, (), generator=generator, device=generator.device))
    with torch.random.fork_rng(devices=[]):
        # This is not torch.manual_seed: it would also reseed the accelerators, and dropout there would repeat itself.
        torch.default_generator.manual_seed(seed)
        yield
