"""Seeds, bits and generators that follow from what is passed, and from nothing else."""

import torch
from torch import Generator

from sightline.data.randomness import derived_seed, drawn, global_generator_from, scrambled_bit, uniform


def test_derived_seeds_are_fixed_and_all_different() -> None:
    # The first as computed by `printf 0/order/0 | b2sum -l 64`, read little-endian and halved. If it changes, a
    # training that was begun with an older version no longer resumes exactly.
    digest = bytes.fromhex("32c9e36c7d845760")
    assert derived_seed(0, "order", 0) == int.from_bytes(digest, "little") // 2
    seeds = {derived_seed(s, purpose, n) for s in range(10) for purpose in ("order", "augment") for n in range(100)}
    assert len(seeds) == 2_000
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_scrambled_bits_are_fair_and_not_periodic() -> None:
    bits = scrambled_bit(torch.arange(100_000))
    assert set(bits.tolist()) == {0, 1}
    for period in (1, 2, 3, 4, 8, 10, 100, 1_000):  # e.g. sorted classes, or every other image a copy
        agreement = (bits[period:] == bits[:-period]).float().mean().item()
        assert 0.49 < agreement < 0.51
    assert 0.49 < bits.float().mean().item() < 0.51


def test_uniform_stays_in_its_range() -> None:
    values = uniform(-2, 3, 10_000, generator=Generator().manual_seed(0))
    assert -2 <= values.min() < -1.99
    assert 2.99 < values.max() <= 3


def test_the_global_generator_is_lent_and_given_back() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    draws = []
    for seed in (0, 0, 1):
        with global_generator_from(Generator().manual_seed(seed)):
            draws.append(torch.rand(()).item())
    assert draws[0] == draws[1] != draws[2]
    assert torch.equal(torch.get_rng_state(), before)


def test_a_sample_is_in_order_and_has_no_stride() -> None:
    sample = drawn(50_000, 5_000)
    assert len(sample) == len(set(sample.tolist())) == 5_000
    assert (sample.diff() > 0).all()
    assert torch.bincount(sample % 10).min() > 400  # of ten classes that take turns, each has its share
    assert torch.equal(sample, drawn(50_000, 5_000))
    assert torch.equal(drawn(7, 10), torch.arange(7))
